// Captures what Go's own net/rpc sends, for the tests of this crate.
//
// go run capture.go, in this directory, rewrites the .bin files.
package main

import (
	"encoding/gob"
	"log"
	"net"
	"net/rpc"
	"net/rpc/jsonrpc"
	"os"
	"sync"
)

type Args struct{ A, B int }

type Quotient struct{ Quo, Rem int }

// Extra has what Args has, in another order, and much that Args has not.
type Extra struct {
	Z    []map[string]int
	B    int
	Any  interface{}
	A    int
	Name string
}

type Heartbeat int

func (*Heartbeat) Ping(_ string, reply *string) error {
	*reply = "Pong"
	return nil
}

type Arith int

func (*Arith) Multiply(args *Args, reply *int) error {
	*reply = args.A * args.B
	return nil
}

func (*Arith) Divide(args *Args, reply *Quotient) error {
	*reply = Quotient{args.A / args.B, args.A % args.B}
	return nil
}

// tap keeps a copy of what passes in either direction.
type tap struct {
	net.Conn
	mutex    sync.Mutex
	in, out_ []byte
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	t.mutex.Lock()
	t.in = append(t.in, p[:n]...)
	t.mutex.Unlock()
	return n, err
}

func (t *tap) Write(p []byte) (int, error) {
	t.mutex.Lock()
	t.out_ = append(t.out_, p...)
	t.mutex.Unlock()
	return t.Conn.Write(p)
}

func capture(name string, client func(*tap) *rpc.Client, serve func(net.Conn), calls func(*rpc.Client)) {
	near, far := net.Pipe()
	go serve(far)
	t := &tap{Conn: near}
	c := client(t)
	calls(c)
	c.Close()
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for suffix, bytes := range map[string][]byte{"calls": t.out_, "replies": t.in} {
		if err := os.WriteFile(name+"_"+suffix+".bin", bytes, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

func main() {
	gob.Register(Quotient{})
	rpc.Register(new(Heartbeat))
	rpc.Register(new(Arith))
	calls := func(c *rpc.Client) {
		var text string
		c.Call("Heartbeat.Ping", "client-42", &text)
		c.Call("Heartbeat.Ping", "客户端/42", &text)
		var product int
		c.Call("Arith.Multiply", &Args{7, 8}, &product)
		var quotient Quotient
		c.Call("Arith.Divide", &Args{17, 5}, &quotient)
		c.Call("Nobody.Home", 1, &text)
		c.Call("Heartbeat.Ping", "client-42", &text)
	}
	gobClient := func(t *tap) *rpc.Client { return rpc.NewClient(t) }
	jsonClient := func(t *tap) *rpc.Client { return jsonrpc.NewClient(t) }
	gobServer := func(c net.Conn) { rpc.ServeConn(c) }
	capture("gob", gobClient, gobServer, calls)
	capture("json", jsonClient, func(c net.Conn) { jsonrpc.ServeConn(c) }, calls)
	capture("extra", gobClient, gobServer, func(c *rpc.Client) {
		var product int
		for _, any := range []interface{}{nil, 5, Quotient{1, 2}, Quotient{3, 4}} {
			extra := &Extra{A: 6, B: 7, Z: []map[string]int{{"a": 1}}, Any: any, Name: "x"}
			c.Call("Arith.Multiply", extra, &product)
		}
	})
}
