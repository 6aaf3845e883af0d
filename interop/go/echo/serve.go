package main

import (
	"bufio"
	"encoding/gob"
	"fmt"
	"io"
	"net"
	"net/rpc"
	"net/rpc/jsonrpc"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// Echo is the service: Echo.Type says what type a number stands for, and
// Echo.Value/NUMBER answers a value of that type.
type Echo struct{}

// Described is a value of a type that the caller described.
type Described struct {
	v reflect.Value
}

// Type answers what Go calls the type. The codec has remembered it.
func (Echo) Type(arg Described, reply *string) error {
	*reply = arg.v.Type().String()
	return nil
}

// Value answers the value.
func (Echo) Value(arg Described, reply *Described) error {
	*reply = arg
	return nil
}

// Typed answers a value of a type that both sides know beforehand.
func (Echo) Typed(arg Everything, reply *Everything) error {
	*reply = arg
	return nil
}

// Fewer answers what it has of a value with more fields.
func (Echo) Fewer(arg Fewer, reply *Fewer) error {
	*reply = arg
	return nil
}

func serve(dial string) error {
	register()
	server := rpc.NewServer()
	if err := server.Register(Echo{}); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		var inner rpc.ServerCodec
		if dial == "json" {
			inner = jsonrpc.NewServerCodec(conn)
		} else {
			inner = newGobCodec(conn)
		}
		go server.ServeCodec(&codec{ServerCodec: inner, types: make(map[int]reflect.Type)})
	}
}

// codec reads values as the types that the caller described.
type codec struct {
	rpc.ServerCodec
	types map[int]reflect.Type
	next  reflect.Type
	err   error
}

func (c *codec) ReadRequestHeader(r *rpc.Request) error {
	c.next, c.err = nil, nil
	if err := c.ServerCodec.ReadRequestHeader(r); err != nil {
		return err
	}
	if number, ok := strings.CutPrefix(r.ServiceMethod, "Echo.Value/"); ok {
		n, _ := strconv.Atoi(number)
		r.ServiceMethod, c.next = "Echo.Value", c.types[n]
		if c.next == nil {
			c.err = fmt.Errorf("type %s was not described", number)
		}
	}
	return nil
}

func (c *codec) ReadRequestBody(body any) error {
	described, ok := body.(*Described)
	if !ok {
		return c.ServerCodec.ReadRequestBody(body)
	}
	if c.err != nil {
		c.ServerCodec.ReadRequestBody(nil)
		return c.err
	}
	if c.next != nil {
		v := reflect.New(c.next)
		described.v = v.Elem()
		return c.ServerCodec.ReadRequestBody(v.Interface())
	}
	var text string
	if err := c.ServerCodec.ReadRequestBody(&text); err != nil {
		return err
	}
	number, text, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	t, err := parse(text)
	if err != nil {
		return err
	}
	c.types[n] = t
	described.v = reflect.Zero(t)
	return nil
}

func (c *codec) WriteResponse(r *rpc.Response, body any) error {
	if described, ok := body.(*Described); ok {
		// Through a pointer, as replies are.
		p := reflect.New(described.v.Type())
		p.Elem().Set(described.v)
		body = p.Interface()
	}
	return c.ServerCodec.WriteResponse(r, body)
}

// gobCodec is what net/rpc uses for gob, and does not export.
type gobCodec struct {
	conn io.ReadWriteCloser
	dec  *gob.Decoder
	enc  *gob.Encoder
	out  *bufio.Writer
	once sync.Once
}

func newGobCodec(conn io.ReadWriteCloser) *gobCodec {
	out := bufio.NewWriter(conn)
	return &gobCodec{conn: conn, dec: gob.NewDecoder(conn), enc: gob.NewEncoder(out), out: out}
}

func (c *gobCodec) ReadRequestHeader(r *rpc.Request) error { return c.dec.Decode(r) }

func (c *gobCodec) ReadRequestBody(body any) error { return c.dec.Decode(body) }

func (c *gobCodec) WriteResponse(r *rpc.Response, body any) error {
	if err := c.enc.Encode(r); err != nil {
		c.Close()
		return err
	}
	if err := c.enc.Encode(body); err != nil {
		c.Close()
		return err
	}
	return c.out.Flush()
}

func (c *gobCodec) Close() (err error) {
	c.once.Do(func() { err = c.conn.Close() })
	return err
}
