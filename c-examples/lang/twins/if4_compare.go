// The twin of if4_compare.c.
package main

import (
	"fmt"
	"math"
	"strings"
)

type Pair struct {
	a int32
	b float64
}
type Mixed struct {
	name  string
	value any
}
type Holder struct{ list []int64 }
type Celsius float64

func compare(a, b any) {
	defer say()
	fmt.Println(a == b)
}

func say() {
	if r := recover(); r != nil {
		fmt.Println(r)
	}
}

func hash(a, b any) {
	defer say()
	m := map[any]bool{a: true}
	if m[b] {
		fmt.Println("hash agrees")
	} else {
		fmt.Println("hash differs")
	}
}

func main() {
	hello := strings.Clone("hello")
	p, q, r := &Pair{1, 2.5}, &Pair{1, 2.5}, &Pair{1, 3.5}
	m, n := Mixed{name: "n"}, Mixed{name: "n"}
	var list []int64
	h := Holder{}
	compare(nil, nil)
	compare(int64(3), int64(3))
	compare(int64(3), int64(4))
	compare("hello", hello)
	compare(hello, "hell")
	compare(0.0, math.Copysign(0, -1))
	compare(math.NaN(), math.NaN())
	compare(1.0, Celsius(1))
	compare(*p, *q)
	compare(*p, *r)
	compare(p, q)
	compare(list, list)
	compare(list, int64(1))
	compare(list, nil)
	compare(h, h)
	m.value, n.value = int64(9), int64(9)
	compare(m, n)
	n.value = "x"
	compare(m, n)
	m.value, n.value = list, list
	compare(m, n)
	n.name = "other"
	compare(m, n)

	hash("hello", hello)
	hash(0.0, math.Copysign(0, -1))
	hash(*p, *q)
	hash(list, list)
	hash(m, m)
}
