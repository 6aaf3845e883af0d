package main

import (
	"encoding/gob"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/rpc"
	"net/rpc/jsonrpc"
	"strings"
)

// serveAll is Go's server as its documentation sets it up.
func serveAll(unix string) {
	for _, service := range []any{
		new(Arith), &Gate{doors: map[string]*door{}}, new(Fail), new(Echo), new(Empty), new(Fit),
	} {
		if err := rpc.Register(service); err != nil {
			log.Fatal(err)
		}
	}
	if err := rpc.RegisterName("v1.example.Arith", new(Arith)); err != nil {
		log.Fatal(err)
	}
	rpc.HandleHTTP()
	// A server of its own, on paths of its own.
	other := rpc.NewServer()
	other.RegisterName("Only", new(Arith))
	other.HandleHTTP("/other", "/other/debug")

	go rpc.Accept(listen("tcp", "127.0.0.1:0"))
	go http.Serve(listen("http", "127.0.0.1:0"), nil)
	go serveJSON(listen("json", "127.0.0.1:0"))
	if unix != "" {
		go rpc.Accept(listen("unix", unix))
	}
	select {}
}

func listen(how, addr string) net.Listener {
	network := "tcp"
	if how == "unix" {
		network = how
	}
	listener, err := net.Listen(network, addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(how, listener.Addr())
	return listener
}

func serveJSON(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go jsonrpc.ServeConn(conn)
	}
}

// serveScript answers one connection after the other. What is special about a
// reply is written in the call's argument, which is always a string.
func serveScript() {
	listener := listen("tcp", "127.0.0.1:0")
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		answerByHand(conn)
		conn.Close()
	}
}

func answerByHand(conn net.Conn) {
	dec, enc := gob.NewDecoder(conn), gob.NewEncoder(conn)
	for {
		var request rpc.Request
		var argument string
		if dec.Decode(&request) != nil || dec.Decode(&argument) != nil {
			fmt.Println("end")
			return
		}
		fmt.Println(request.ServiceMethod, request.Seq, argument)
		response := rpc.Response{ServiceMethod: request.ServiceMethod, Seq: request.Seq}
		switch {
		case argument == "stray reply":
			stray := response
			stray.Seq += 1000
			enc.Encode(stray)
			enc.Encode(map[string]int{"nobody": 1})
			stray.Error = "nobody asked"
			enc.Encode(stray)
			enc.Encode(struct{}{})
		case strings.HasPrefix(argument, "fail: "):
			response.Error = strings.TrimPrefix(argument, "fail: ")
			enc.Encode(response)
			enc.Encode(struct{}{})
			continue
		case argument == "half a reply":
			// The length of a message that never comes.
			conn.Write([]byte{100, 1, 2, 3})
			return
		case argument == "no reply":
			return
		case argument == "garbage":
			// No number begins like that.
			conn.Write([]byte{0x80, 1, 2, 3})
			io.Copy(io.Discard, conn)
			return
		}
		enc.Encode(response)
		enc.Encode(argument)
	}
}
