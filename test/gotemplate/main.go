// Command gotemplate renders templates with Go's text/template and sprig, as upstream does: the other side of the differential check.
//
// It reads one JSON object per line from standard input and writes one per line to standard output, in the same order. All byte
// strings are base64, since templates and data need not be UTF-8.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

type request struct {
	Name []byte   `json:"name"`
	Text []byte   `json:"text"`
	Keys [][]byte `json:"keys"`
	Data [][]byte `json:"data"`
}

type response struct {
	Output []byte `json:"output,omitempty"`
	Error  string `json:"error,omitempty"`
	Detail string `json:"detail,omitempty"`
}

func functions() template.FuncMap {
	all := sprig.GenericFuncMap()
	for _, name := range []string{"env", "expandenv", "getHostByName"} {
		delete(all, name)
	}
	return all
}

func render(r request, funcs template.FuncMap) (out response) {
	// A panic that the template engine lets through is an error of the template all the same.
	defer func() {
		if p := recover(); p != nil {
			out = response{Error: "exec", Detail: fmt.Sprint(p)}
		}
	}()
	data := make(map[string]string, len(r.Keys))
	for i, key := range r.Keys {
		data[string(key)] = string(r.Data[i])
	}
	t, err := template.New(string(r.Name)).Funcs(funcs).Parse(string(r.Text))
	if err != nil {
		return response{Error: "parse", Detail: err.Error()}
	}
	var buffer bytes.Buffer
	if err := t.Execute(&buffer, data); err != nil {
		return response{Error: "exec", Detail: err.Error()}
	}
	return response{Output: buffer.Bytes()}
}

// Go has no limits: a range over a number that a typing error made huge runs for years.
const longest = 10 * time.Second

// renderInTime gives up after a while; the rendering then goes on in the background.
func renderInTime(r request, funcs template.FuncMap) (answer response, isDone bool) {
	done := make(chan response, 1)
	go func() { done <- render(r, funcs) }()
	select {
	case answer := <-done:
		return answer, true
	case <-time.After(longest):
		return response{Error: "limit", Detail: "not done in time"}, false
	}
}

func main() {
	funcs := functions()
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<26)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	for in.Scan() {
		var r request
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			fmt.Fprintln(os.Stderr, "bad request:", err)
			os.Exit(2)
		}
		answer, isDone := renderInTime(r, funcs)
		if err := encoder.Encode(answer); err != nil {
			fmt.Fprintln(os.Stderr, "cannot write:", err)
			os.Exit(2)
		}
		// Whoever asks may wait for this answer before asking again.
		if err := out.Flush(); err != nil {
			fmt.Fprintln(os.Stderr, "cannot write:", err)
			os.Exit(2)
		}
		if !isDone {
			// Nothing can stop the rendering but the end of the process.
			os.Exit(0)
		}
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "cannot read:", err)
		os.Exit(2)
	}
}
