// Command yaml-oracle answers, one JSON line per request line, what Go and sigs.k8s.io/yaml make of a text or a value.
// The differential test of our own reader and writer (test/contract/yaml-differential.test.ts) drives it.
//
// Request {"op": OP, "in": BASE64}; answer {"out": BASE64} or {"error": TEXT}.
//
//	toJSON   YAML text -> JSON, without a target type
//	typed    YAML text -> JSON after decoding into a map of strings (the lenient path of kubeseal)
//	toYAML   JSON text -> YAML
//	string   bytes -> encoding/json of a string
//	float    decimal text -> encoding/json, then strconv 'g' with float32 precision, one per line
//	json     JSON text -> the same value by encoding/json, indented by two spaces
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"sigs.k8s.io/yaml"
)

type request struct {
	Op string `json:"op"`
	In []byte `json:"in"`
}

type answer struct {
	Out   []byte `json:"out"`
	Error string `json:"error,omitempty"`
}

func run(r request) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	switch r.Op {
	case "toJSON":
		return yaml.YAMLToJSON(r.In)
	case "typed":
		var v struct {
			M map[string]string `json:"m"`
		}
		if err := yaml.Unmarshal(r.In, &v); err != nil {
			return nil, err
		}
		return json.Marshal(v.M)
	case "toYAML":
		return yaml.JSONToYAML(r.In)
	case "string":
		return json.Marshal(string(r.In))
	case "float":
		f, err := strconv.ParseFloat(string(r.In), 64)
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(f)
		if err != nil {
			return nil, err
		}
		return []byte(string(text) + "\n" + strconv.FormatFloat(f, 'g', -1, 32)), nil
	case "json":
		var v any
		if err := json.Unmarshal(r.In, &v); err != nil {
			return nil, err
		}
		return json.MarshalIndent(v, "", "  ")
	}
	return nil, fmt.Errorf("unknown op %q", r.Op)
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	decoder := json.NewDecoder(in)
	encoder := json.NewEncoder(out)
	for {
		var r request
		if decoder.Decode(&r) != nil {
			return
		}
		result, err := run(r)
		a := answer{Out: result}
		if err != nil {
			a = answer{Error: err.Error()}
		}
		if encoder.Encode(a) != nil {
			return
		}
		if in.Buffered() == 0 {
			out.Flush()
		}
	}
}
