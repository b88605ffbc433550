// SPDX-License-Identifier: Apache-2.0

// bench-bolt FILE: what berth's boltdb plugin does, done by bbolt itself in podman's schema.  A
// line of standard input says what ("get MODE N", "again MODE N", "scan MODE 0", "put MODE N"); the answer is
// how many seconds it took.  MODE once: the file is open before the clock runs, to be read even
// since the first question; each: opened for every transaction, as podman does.
package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"
)

var (
	path = ""
	ids  [][]byte
	seen int
	held *bolt.DB // to read only: others may, too
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-bolt:", err)
		os.Exit(1)
	}
}

func open() *bolt.DB {
	db, err := bolt.Open(path, 0600, nil)
	must(err)
	return db
}

func hold() *bolt.DB {
	if held == nil {
		db, err := bolt.Open(path, 0600, &bolt.Options{ReadOnly: true})
		must(err)
		held = db
	}
	return held
}

func order(i int) []byte { return ids[i*7919%len(ids)] }

func containers(tx *bolt.Tx) *bolt.Bucket { return tx.Bucket([]byte("ctr")) }

func gets(b *bolt.Bucket, n int) {
	for i := 0; i < n; i++ {
		seen += len(b.Bucket(order(i)).Get([]byte("config")))
	}
}

func get(db *bolt.DB, n int) {
	must(db.View(func(tx *bolt.Tx) error {
		gets(containers(tx), n)
		return nil
	}))
}

// again times twenty rounds, after one.
func again(db *bolt.DB, n int) (took time.Duration) {
	must(db.View(func(tx *bolt.Tx) error {
		gets(containers(tx), n)
		start := time.Now()
		for i := 0; i < 20; i++ {
			gets(containers(tx), n)
		}
		took = time.Since(start)
		return nil
	}))
	return took
}

func scan(db *bolt.DB) {
	must(db.View(func(tx *bolt.Tx) error {
		b := containers(tx)
		return b.ForEach(func(k, v []byte) error {
			c := b.Bucket(k)
			seen += len(c.Get([]byte("config"))) + len(c.Get([]byte("state")))
			return nil
		})
	}))
}

func put(db *bolt.DB, i int) {
	must(db.Update(func(tx *bolt.Tx) error {
		c := containers(tx).Bucket(order(i))
		state := append([]byte(nil), c.Get([]byte("state"))...)
		// Not the digit that the plugin changes: it would find there what it wants to put.
		if i := bytes.LastIndexAny(state, "0123456789"); i >= 0 {
			state[i] = '1' + (state[i]-'0')%9
		}
		return c.Put([]byte("state"), state)
	}))
}

func timed(what, mode string, n int) time.Duration {
	var db *bolt.DB
	if mode == "once" && what == "put" {
		db = open()
		defer db.Close()
	} else if mode == "once" {
		db = hold()
	}
	start := time.Now()
	rounds := 1
	if what == "put" {
		rounds = n
	}
	for i := 0; i < rounds; i++ {
		if mode == "each" {
			db = open()
		}
		switch what {
		case "get":
			get(db, n)
		case "again":
			took := again(db, n)
			if mode == "each" {
				must(db.Close())
			}
			return took
		case "scan":
			scan(db)
		case "put":
			put(db, i)
		}
		if mode == "each" {
			must(db.Close())
		}
	}
	return time.Since(start)
}

func main() {
	path = os.Args[1]
	db := open()
	must(db.View(func(tx *bolt.Tx) error {
		return containers(tx).ForEach(func(k, v []byte) error {
			ids = append(ids, append([]byte(nil), k...))
			return nil
		})
	}))
	must(db.Close())
	var what, mode string
	var n int
	for {
		if count, _ := fmt.Scan(&what, &mode, &n); count != 3 {
			return
		}
		fmt.Printf("%.9f\n", timed(what, mode, n).Seconds())
	}
}
