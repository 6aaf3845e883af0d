package main

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// mirror sends values to itself.
type mirror struct {
	json bool
	buf  bytes.Buffer
	enc  *gob.Encoder
	dec  *gob.Decoder
	err  error
}

func newMirror(json bool) *mirror {
	m := &mirror{json: json}
	m.enc, m.dec = gob.NewEncoder(&m.buf), gob.NewDecoder(&m.buf)
	return m
}

// through returns what *v becomes, if it can be sent at all.
func (m *mirror) through(v reflect.Value) (want reflect.Value, ok bool) {
	out := reflect.New(v.Type().Elem())
	defer func() {
		// Go's encoder panics at a pointer to a nil pointer to what writes itself.
		if p := recover(); p != nil {
			m.err = fmt.Errorf("panic: %v", p)
			want, ok = out.Elem(), false
		}
	}()
	if m.json {
		text, err := json.Marshal(v.Interface())
		// A client of net/rpc/jsonrpc takes a null for a missing reply.
		if m.err = err; err == nil && string(text) == "null" {
			m.err = errors.New("null")
		}
		if m.err == nil {
			m.err = json.Unmarshal(text, out.Interface())
		}
		return out.Elem(), m.err == nil
	}
	if m.err = m.enc.EncodeValue(v); m.err == nil {
		m.err = m.dec.DecodeValue(out)
	}
	return out.Elem(), m.err == nil
}
