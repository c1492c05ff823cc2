/** Floating point numbers as Go's strconv writes them. */

/** `strconv.FormatFloat(value, 'g', -1, 64)`: shortest digits, an exponent below 1e-4 and from 1e+06 on. */
export function formatFloat64(value: number): string {
  return formatGeneral(value, value.toExponential());
}

/** `strconv.FormatFloat(value, 'g', -1, 32)`: the shortest digits that give the same float32. */
export function formatFloat32(value: number): string {
  const single = Math.fround(value);
  for (let digits = 0; digits < 9; digits++) {
    const candidate = single.toExponential(digits);
    if (Math.fround(Number(candidate)) === single) return formatGeneral(single, halfToEven(single, candidate, digits));
  }
  return formatGeneral(single, single.toExponential());
}

/** Exactly between two decimals Go takes the even one, toExponential the greater one. */
function halfToEven(value: number, rounded: string, digits: number): string {
  const [mantissa = '', exponent] = value.toExponential(80).split('e');
  const dot = mantissa.indexOf('.');
  const tail = mantissa.slice(dot + 1 + digits);
  const kept = mantissa.slice(0, dot + 1 + digits).replace(/\.$/, '');
  return /^50*$/.test(tail) && /[02468]$/.test(kept) ? `${kept}e${exponent}` : rounded;
}

function formatGeneral(value: number, exponential: string): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const sign = value < 0 ? '-' : '';
  const [mantissa = '', exponentText = '0'] = exponential.slice(sign.length).split('e');
  const digits = mantissa.replace('.', '').replace(/0+$/, '');
  const exponent = Number(exponentText);
  // Go takes a precision of 6 for this decision whenever the shortest digits are asked for.
  if (exponent < -4 || exponent >= 6) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
    const size = Math.abs(exponent).toString().padStart(2, '0');
    return `${sign}${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return sign + digits.padEnd(exponent + 1, '0');
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}
