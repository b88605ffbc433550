// SPDX-License-Identifier: Apache-2.0

// bolt-check looks at and changes database files with the bbolt library itself, so that
// tests can hold the C implementation against the original.
//
//	bolt-check check FILE     prints what is wrong with it; exit 1 if anything
//	bolt-check dump FILE      all buckets and keys as JSON
//	bolt-check apply [-p SIZE] [-n] FILE < SCRIPT
//
// A script has one operation per line, bytes in hexadecimal, bucket paths with commas
// between the names ("-" is the root):
//
//	make PATH            make the bucket and those around it, if they are not there
//	drop PATH            remove it
//	put PATH KEY VALUE   VALUE may be "-": empty
//	del PATH KEY
//	commit               end the transaction, begin the next one
//
// -p: page size of a new file; -n: write no freelist.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	bolt "go.etcd.io/bbolt"
)

func main() {
	if len(os.Args) < 3 {
		fatal(fmt.Errorf("usage: bolt-check check|dump|apply [-p SIZE] [-n] FILE"))
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	pageSize := flags.Int("p", 0, "page size")
	noList := flags.Bool("n", false, "write no freelist")
	flags.Parse(os.Args[2:])
	options := &bolt.Options{Timeout: 10 * time.Second, PageSize: *pageSize,
		NoFreelistSync: *noList, ReadOnly: os.Args[1] != "apply"}
	if os.Args[1] == "apply" {
		options.NoSync = true
	}
	db, err := bolt.Open(flags.Arg(0), 0600, options)
	fatal(err)
	switch os.Args[1] {
	case "check":
		check(db, flags.Arg(0))
	case "dump":
		dump(db)
	case "apply":
		apply(db)
	default:
		fatal(fmt.Errorf("unknown command %q", os.Args[1]))
	}
	fatal(db.Close())
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bolt-check:", err)
		os.Exit(2)
	}
}

// ---------------------------------------------------------------------- check

// The library's own check looks at reachability only; what its update code relies on
// besides is looked at here, on the bytes of the file.
func check(db *bolt.DB, path string) {
	bad := false
	report := func(format string, args ...interface{}) {
		fmt.Printf(format+"\n", args...)
		bad = true
	}
	fatal(db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			report("%v", err)
		}
		file, err := os.ReadFile(path)
		fatal(err)
		w := walker{file: file, pageSize: uint64(db.Info().PageSize), report: report}
		w.tree(rootPage(file, w.pageSize), nil, 0)
		return nil
	}))
	if bad {
		os.Exit(1)
	}
}

func rootPage(file []byte, pageSize uint64) uint64 {
	u64 := binary.LittleEndian.Uint64
	if u64(file[pageSize+64:]) > u64(file[64:]) {
		return u64(file[pageSize+32:])
	}
	return u64(file[32:])
}

type walker struct {
	file     []byte
	pageSize uint64
	report   func(string, ...interface{})
}

func (w *walker) tree(id uint64, first []byte, depth int) {
	le := binary.LittleEndian
	page := w.file[id*w.pageSize:]
	if le.Uint64(page) != id {
		w.report("page %d: calls itself %d", id, le.Uint64(page))
	}
	w.elements(page, fmt.Sprintf("page %d", id), first, depth)
}

func (w *walker) elements(page []byte, name string, first []byte, depth int) {
	le := binary.LittleEndian
	count := int(le.Uint16(page[10:]))
	branch := le.Uint16(page[8:]) == 1
	if branch && count < 2 {
		w.report("%s: branch with %d children", name, count)
	}
	if !branch && count == 0 && depth > 0 {
		w.report("%s: empty leaf", name)
	}
	var last []byte
	end := 16 + 16*count
	for i := 0; i < count; i++ {
		e := page[16+16*i:]
		var pos, ksize, vsize int
		if branch {
			pos, ksize = int(le.Uint32(e)), int(le.Uint32(e[4:]))
		} else {
			pos, ksize, vsize = int(le.Uint32(e[4:])), int(le.Uint32(e[8:])), int(le.Uint32(e[12:]))
		}
		key, value := e[pos:pos+ksize], e[pos+ksize:pos+ksize+vsize]
		if 16+16*i+pos != end {
			w.report("%s: gap before element %d", name, i)
		}
		end += ksize + vsize
		if i == 0 && first != nil && !bytes.Equal(first, key) {
			w.report("%s: first key %x, the branch has %x", name, key, first)
		}
		if i > 0 && bytes.Compare(last, key) >= 0 {
			w.report("%s: key %d out of order", name, i)
		}
		last = key
		switch {
		case branch:
			w.tree(le.Uint64(e[8:]), key, depth+1)
		case le.Uint32(e)&1 == 0:
		case le.Uint64(value) != 0:
			if vsize != 16 {
				w.report("%s: bucket header of %d bytes", name, vsize)
			}
			w.tree(le.Uint64(value), nil, 0)
		default:
			if vsize-16 > int(w.pageSize)/4 {
				w.report("%s: inline bucket of %d bytes", name, vsize)
			}
			w.elements(value[16:], fmt.Sprintf("%s, inline bucket %q", name, key), nil, 0)
		}
	}
}

// ----------------------------------------------------------------------- dump

type info struct {
	Inline   bool   `json:"inline"`
	Keys     int    `json:"keys"`
	Sequence uint64 `json:"sequence"`
}

func dump(db *bolt.DB) {
	infos := map[string]info{}
	buckets := map[string]interface{}{}
	fatal(db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			buckets[string(name)] = dumpBucket(b, "/"+string(name), infos)
			return nil
		})
	}))
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	fatal(out.Encode(map[string]interface{}{"buckets": buckets, "bucket_info": infos}))
}

func dumpBucket(b *bolt.Bucket, path string, infos map[string]info) interface{} {
	m := map[string]interface{}{}
	keys := 0
	fatal(b.ForEach(func(k, v []byte) error {
		keys++
		name := string(k)
		if !utf8.Valid(k) {
			name = "base64:" + base64.StdEncoding.EncodeToString(k)
		}
		switch {
		case v == nil:
			m[name] = dumpBucket(b.Bucket(k), path+"/"+name, infos)
		case utf8.Valid(v):
			m[name] = string(v)
		default:
			m[name] = map[string]string{"base64": base64.StdEncoding.EncodeToString(v)}
		}
		return nil
	}))
	infos[path] = info{Inline: b.Root() == 0, Keys: keys, Sequence: b.Sequence()}
	return m
}

// ---------------------------------------------------------------------- apply

func unhex(s string) []byte {
	if s == "-" {
		return []byte{}
	}
	b, err := hex.DecodeString(s)
	fatal(err)
	return b
}

func find(tx *bolt.Tx, path []string, create bool) *bolt.Bucket {
	var b *bolt.Bucket
	for _, name := range path {
		key := unhex(name)
		var next *bolt.Bucket
		var err error
		switch {
		case b == nil && create:
			next, err = tx.CreateBucketIfNotExists(key)
		case b == nil:
			next = tx.Bucket(key)
		case create:
			next, err = b.CreateBucketIfNotExists(key)
		default:
			next = b.Bucket(key)
		}
		fatal(err)
		if next == nil {
			fatal(fmt.Errorf("no bucket %s", strings.Join(path, ",")))
		}
		b = next
	}
	return b
}

func apply(db *bolt.DB) {
	tx, err := db.Begin(true)
	fatal(err)
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<28)
	for in.Scan() {
		op := strings.Split(in.Text(), " ")
		var path []string
		if len(op) > 1 && op[1] != "-" {
			path = strings.Split(op[1], ",")
		}
		switch op[0] {
		case "make":
			find(tx, path, true)
		case "drop":
			last := unhex(path[len(path)-1])
			if len(path) == 1 {
				err = tx.DeleteBucket(last)
			} else {
				err = find(tx, path[:len(path)-1], false).DeleteBucket(last)
			}
		case "put":
			err = find(tx, path, false).Put(unhex(op[2]), unhex(op[3]))
		case "del":
			err = find(tx, path, false).Delete(unhex(op[2]))
		case "commit":
			fatal(tx.Commit())
			tx, err = db.Begin(true)
		default:
			err = fmt.Errorf("unknown operation %q", op[0])
		}
		fatal(err)
	}
	fatal(in.Err())
	fatal(tx.Commit())
}
