/** IP addresses as text, with the rules of Go's `net/netip`. */

function isIpv4(text: string): boolean {
  return /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.test(text) && text.split('.').every((part) => isOctet(part));
}

/** No leading zeros. */
function isOctet(text: string): boolean {
  return Number(text) <= 255 && (text === '0' || !text.startsWith('0'));
}

/** An IPv6 address, with a zone behind a percent sign if need be. */
export function isIpv6(text: string): boolean {
  const percent = text.indexOf('%');
  if (percent >= 0 && percent === text.length - 1) return false;
  return isIpv6WithoutZone(percent < 0 ? text : text.slice(0, percent));
}

function isIpv6WithoutZone(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    if (half === '') continue;
    const isLastHalf = index === halves.length - 1;
    const parts = half.split(':');
    for (const [position, part] of parts.entries()) {
      if (isLastHalf && position === parts.length - 1 && part.includes('.')) {
        if (!isIpv4(part)) return false;
        groups += 2;
      } else {
        if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return false;
        groups++;
      }
    }
  }
  return halves.length === 2 ? groups < 8 : groups === 8;
}

/** An address without zone, as `net.ParseIP` takes it. */
export function isIpAddress(text: string): boolean {
  return isIpv4(text) || (!text.includes('%') && isIpv6WithoutZone(text));
}
