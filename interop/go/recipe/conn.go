package main

import (
	"net"
	"sync"
	"time"
)

// watchedListener hands out connections that keep their own deadlines and
// report to the roster.
type watchedListener struct {
	net.Listener
	roster  *Roster
	timeout time.Duration // 0: no deadlines, the sweep alone drops the silent
}

func (l *watchedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetKeepAlive(true)
		tcp.SetKeepAlivePeriod(keepAlivePeriod)
	}
	return &watchedConn{Conn: conn, id: l.roster.Add(conn), roster: l.roster, timeout: l.timeout}, nil
}

type watchedConn struct {
	net.Conn
	id      uint64
	roster  *Roster
	timeout time.Duration
	forget  sync.Once
}

func (c *watchedConn) Read(p []byte) (int, error) {
	if c.timeout != 0 {
		if err := c.SetReadDeadline(time.Now().Add(c.timeout)); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.roster.Touch(c.id)
	}
	return n, err
}

func (c *watchedConn) Write(p []byte) (int, error) {
	if c.timeout != 0 {
		if err := c.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(p)
}

func (c *watchedConn) Close() error {
	c.forget.Do(func() { c.roster.Remove(c.id) })
	return c.Conn.Close()
}
