package main

import (
	"encoding/gob"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// byName are the types a description can name.
var byName = map[string]reflect.Type{
	"complex64": complexes[0], "complex128": complexes[1], "any": anything,
	"Node": reflect.TypeOf(Node{}), "Tree": reflect.TypeOf(Tree{}), "Nest": reflect.TypeOf(Nest(nil)),
	"Left": reflect.TypeOf(Left{}), "Time": reflect.TypeOf(time.Time{}), "Gobbed": reflect.TypeOf(Gobbed{}),
	"Binary": reflect.TypeOf(Binary{}), "Colors": reflect.TypeOf(Colors(nil)),
}

func init() {
	for _, t := range basics {
		byName[t.String()] = t
	}
}

// register names what interfaces may hold.
func register() {
	gob.RegisterName("node", Node{})
	gob.RegisterName("nest", Nest(nil))
	gob.RegisterName("list", []any(nil))
	gob.RegisterName("time", time.Time{})
}

// parse reads a description of a type: Go's own syntax, as far as it goes.
func parse(text string) (t reflect.Type, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("bad description: %v", p)
		}
	}()
	p := &parser{rest: text}
	t = p.typ()
	if p.rest != "" {
		return nil, fmt.Errorf("bad description: %q is left", p.rest)
	}
	return t, nil
}

type parser struct {
	rest string
}

func (p *parser) typ() reflect.Type {
	switch {
	case p.take("[]"):
		return reflect.SliceOf(p.typ())
	case p.take("["):
		n, err := strconv.Atoi(p.until("]"))
		if err != nil {
			panic(err)
		}
		return reflect.ArrayOf(n, p.typ())
	case p.take("*"):
		return reflect.PointerTo(p.typ())
	case p.take("map["):
		key := p.typ()
		if !p.take("]") {
			panic("no ] after a key")
		}
		return reflect.MapOf(key, p.typ())
	case p.take("struct{"):
		var fields []reflect.StructField
		for !p.take("}") {
			name := p.until(" ")
			fields = append(fields, reflect.StructField{Name: name, Type: p.typ()})
			p.take(";")
		}
		return reflect.StructOf(fields)
	}
	n := strings.IndexAny(p.rest, "];}")
	if n < 0 {
		n = len(p.rest)
	}
	name := p.rest[:n]
	p.rest = p.rest[n:]
	t, ok := byName[name]
	if !ok {
		panic("no type " + name)
	}
	return t
}

func (p *parser) take(token string) bool {
	rest, ok := strings.CutPrefix(p.rest, token)
	p.rest = rest
	return ok
}

func (p *parser) until(token string) string {
	before, after, ok := strings.Cut(p.rest, token)
	if !ok {
		panic("no " + token)
	}
	p.rest = after
	return before
}
