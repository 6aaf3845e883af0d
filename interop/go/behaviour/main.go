// Command behaviour shows what net/rpc documents, one scenario at a time.
//
// As a client it plays one scenario against a server and prints what it saw,
// one line per observation, so that the same scenario can be played against
// Go's server and against another one, and the lines be compared. With -serve
// it is Go's server, with -script a server that answers as its requests ask.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/rpc"
	"net/rpc/jsonrpc"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:1234", "`address` of the server")
	dialer := flag.String("dial", "tcp", "how to dial: tcp, http, json or unix")
	play := flag.String("play", "", "`scenario` to play as a client")
	serve := flag.Bool("serve", false, "serve in every way at once, and print where")
	script := flag.Bool("script", false, "serve gob by hand, and print every header")
	unix := flag.String("unix", "", "`path` of a socket to serve on as well")
	flag.Parse()

	if *serve {
		serveAll(*unix)
	}
	if *script {
		serveScript()
	}
	scenario := scenarios[*play]
	if scenario == nil {
		log.Fatalf("-play names no scenario: %q", *play)
	}
	scenario(&server{how: *dialer, addr: *addr})
}

// server is where a scenario connects to, as often as it likes.
type server struct {
	how, addr string
}

func (s *server) dial() *rpc.Client {
	client, err := s.tryDial()
	if err != nil {
		log.Fatal(err)
	}
	return client
}

func (s *server) tryDial() (*rpc.Client, error) {
	switch s.how {
	case "tcp":
		return rpc.Dial("tcp", s.addr)
	case "http":
		return rpc.DialHTTP("tcp", s.addr)
	case "json":
		return jsonrpc.Dial("tcp", s.addr)
	case "unix":
		return rpc.Dial("unix", s.addr)
	default:
		return nil, fmt.Errorf("-dial must be tcp, http, json or unix, not %q", s.how)
	}
}

var scenarios = map[string]func(*server){
	"calls":      playCalls,
	"order":      playOrder,
	"done":       playDone,
	"goroutines": playGoroutines,
	"errors":     playErrors,
	"wordless":   playWordless,
	"empty":      playEmpty,
	"panic":      playPanic,
	"unknown":    playUnknown,
	"misfit":     playMisfit,
	"unsendable": playUnsendable,
	"close":      playClose,
	"loss":       playLoss,
	"half-close": playHalfClose,
	"headers":    playHeaders,
	"garbage":    playGarbage,
	"behind":     playBehind,
	"elsewhere":  playElsewhere,
	"arguments":  playArguments,
	"nothing":    playNothing,
	"replies":    playReplies,
	"list":       playList,
	"words":      playWords,
	"no text":    playNoText,
	"kinds":      playKinds,
	"bytes":      playBytes,
	"skipped":    playSkipped,
}
