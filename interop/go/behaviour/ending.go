package main

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/rpc"
)

// wait starts a call that does not end by itself, and returns once it runs.
func wait(client *rpc.Client, door string) *rpc.Call {
	call := client.Go("Gate.Wait", door, new(string), nil)
	var yes bool
	if err := client.Call("Gate.Entered", door, &yes); err != nil {
		log.Fatal(err)
	}
	return call
}

// playClose closes a client in the middle of a call.
func playClose(s *server) {
	client := s.dial()
	waiting := wait(client, "close")
	fmt.Println("close", client.Close())
	fmt.Println("close again", client.Close())
	fmt.Println("call", client.Call("Arith.Multiply", &Args{7, 8}, new(int)))
	call := <-waiting.Done
	fmt.Println("pending call failed:", call.Error != nil)

	// Whoever waited there is gone or not; others are served.
	var product int
	fmt.Println("another client", s.dial().Call("Arith.Multiply", &Args{7, 8}, &product), product)
}

// playLoss waits until the server ends in the middle of a call.
func playLoss(s *server) {
	client := s.dial()
	waiting := wait(client, "loss")
	fmt.Println("waiting")
	call := <-waiting.Done
	fmt.Println("pending call:", call.Error, call.Error == io.ErrUnexpectedEOF)
	err := client.Call("Arith.Multiply", &Args{7, 8}, new(int))
	fmt.Println("next call:", err, errors.Is(err, rpc.ErrShutdown))
	fmt.Println("close:", client.Close())
}

// playHalfClose says that it will send no more while a call runs, and reads on.
func playHalfClose(s *server) {
	conn := s.connect()
	enc, dec := gob.NewEncoder(conn), gob.NewDecoder(conn)
	enc.Encode(rpc.Request{ServiceMethod: "Gate.Wait", Seq: 5})
	enc.Encode("half-close")
	other := s.dial()
	var yes bool
	fmt.Println("entered", other.Call("Gate.Entered", "half-close", &yes), yes)
	conn.(interface{ CloseWrite() error }).CloseWrite()
	// A whole conversation later the server has surely seen that.
	var product int
	for i := 0; i < 3; i++ {
		if err := s.dial().Call("Arith.Multiply", &Args{7, 8}, &product); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("open", other.Call("Gate.Open", "half-close", &yes), yes)
	var response rpc.Response
	var reply string
	fmt.Println("header", dec.Decode(&response), response.ServiceMethod, response.Seq, response.Error)
	fmt.Println("reply", dec.Decode(&reply), reply)
	fmt.Println("then", dec.Decode(&response))
}

// connect opens a connection for those who speak gob by hand.
func (s *server) connect() net.Conn {
	network := "tcp"
	if s.how == "unix" {
		network = s.how
	}
	conn, err := net.Dial(network, s.addr)
	if err != nil {
		log.Fatal(err)
	}
	return conn
}

// playHeaders prints the header of every reply.
func playHeaders(s *server) {
	conn := s.connect()
	enc, dec := gob.NewEncoder(conn), gob.NewDecoder(conn)
	requests := []rpc.Request{
		{ServiceMethod: "Arith.Multiply", Seq: 0},
		{ServiceMethod: "Arith.Multiply", Seq: 1 << 40},
		{ServiceMethod: "Arith.Divide", Seq: 1<<64 - 1},
		{ServiceMethod: "Nobody.Home", Seq: 3},
		{ServiceMethod: "nodots", Seq: 3},
	}
	for _, request := range requests {
		enc.Encode(request)
		enc.Encode(&Args{7, 0})
		var response rpc.Response
		err := dec.Decode(&response)
		fmt.Printf("%v %+v", err, response)
		if response.Error == "" {
			var product int
			err = dec.Decode(&product)
		} else {
			// What follows an error is a value all the same, and an empty struct.
			var nothing struct{}
			err = dec.Decode(&nothing)
		}
		fmt.Println("", err)
	}
}

// playGarbage sends what is no header, while a call runs on another connection.
func playGarbage(s *server) {
	client := s.dial()
	waiting := wait(client, "garbage")
	conn := s.connect()
	enc, dec := gob.NewEncoder(conn), gob.NewDecoder(conn)
	enc.Encode(rpc.Request{ServiceMethod: "Arith.Multiply", Seq: 1})
	enc.Encode(&Args{7, 8})
	printReply(dec)
	enc.Encode("a string where a header belongs")
	// Closed or reset: it may have come while there was something to read.
	fmt.Println("ended:", dec.Decode(new(rpc.Response)) != nil)
	var yes bool
	fmt.Println("open", client.Call("Gate.Open", "garbage", &yes), yes)
	call := <-waiting.Done
	fmt.Println(*call.Reply.(*string), call.Error)
}

// playBehind sends the same right behind a call.
func playBehind(s *server) {
	var stream bytes.Buffer
	enc := gob.NewEncoder(&stream)
	enc.Encode(rpc.Request{ServiceMethod: "Arith.Multiply", Seq: 1})
	enc.Encode(&Args{7, 8})
	enc.Encode("a string where a header belongs")
	conn := s.connect()
	conn.Write(stream.Bytes())
	dec := gob.NewDecoder(conn)
	printReply(dec)
	fmt.Println("ended:", dec.Decode(new(rpc.Response)) != nil)
}

func printReply(dec *gob.Decoder) {
	var response rpc.Response
	var product int
	fmt.Println(dec.Decode(&response), response.Seq, dec.Decode(&product), product)
}

// playElsewhere asks for an HTTP path where no RPC server is.
func playElsewhere(s *server) {
	_, err := rpc.DialHTTPPath("tcp", s.addr, "/elsewhere")
	var failed *net.OpError
	fmt.Println(errors.As(err, &failed))
	fmt.Println(failed.Op, failed.Err)
}

// playUnsendable sends what gob cannot encode: the error is the client's own.
func playUnsendable(s *server) {
	client := s.dial()
	var product int
	err := client.Call("Arith.Multiply", make(chan int), &product)
	_, remote := err.(rpc.ServerError)
	fmt.Println(err != nil, remote)
	fmt.Println("next call failed:", client.Call("Arith.Multiply", &Args{7, 8}, &product) != nil)
	fmt.Println("another client", s.dial().Call("Arith.Multiply", &Args{7, 8}, &product), product)
}
