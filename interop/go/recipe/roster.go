package main

import (
	"net"
	"sync"
	"time"
)

// Roster knows every connection and when it was last active.
type Roster struct {
	mu      sync.Mutex
	nextID  uint64
	clients map[uint64]*client
}

type client struct {
	conn       net.Conn
	lastActive time.Time
}

// NewRoster returns an empty roster.
func NewRoster() *Roster {
	return &Roster{clients: make(map[uint64]*client)}
}

// Add files a connection and returns its id.
func (r *Roster) Add(conn net.Conn) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.nextID++
	r.clients[r.nextID] = &client{conn: conn, lastActive: time.Now()}
	return r.nextID
}

// Touch records that the connection was active just now.
func (r *Roster) Touch(id uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c, ok := r.clients[id]; ok {
		c.lastActive = time.Now()
	}
}

// Remove forgets a connection.
func (r *Roster) Remove(id uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.clients, id)
}

// SweepEvery closes, once per period, the connections silent for timeout.
func (r *Roster) SweepEvery(period, timeout time.Duration) {
	for now := range time.Tick(period) {
		for _, conn := range r.takeSilent(now.Add(-timeout)) {
			conn.Close()
		}
	}
}

func (r *Roster) takeSilent(since time.Time) []net.Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	var silent []net.Conn
	for id, c := range r.clients {
		if c.lastActive.Before(since) {
			silent = append(silent, c.conn)
			delete(r.clients, id)
		}
	}
	return silent
}
