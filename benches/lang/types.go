// The rows of types.c in Go.
package main

import (
	"fmt"
	"time"
)

const (
	shapeCount = 1024
	loops      = 500
	rounds     = 60
)

type Square struct{ side int64 }
type Circle struct{ r int64 }
type Shape interface{ Area() int64 }

//go:noinline
func (s *Square) Area() int64 { return s.side }

//go:noinline
func (c *Circle) Area() int64 { return c.r + 1 }

var (
	shapes [shapeCount]Shape
	values [shapeCount]any
	sink   int64
)

func call() {
	sum := int64(0)
	for range loops {
		for i := range shapes {
			sum += shapes[i].Area()
		}
	}
	sink = sum
}

func assertIface() {
	sum := int64(0)
	for range loops {
		for i := range values {
			if values[i].(Shape) != nil {
				sum++
			}
		}
	}
	sink = sum
}

func assertConcrete() {
	sum := int64(0)
	for range loops {
		for i := range values {
			if _, ok := values[i].(*Circle); ok {
				sum++
			}
		}
	}
	sink = sum
}

func equal() {
	sum := int64(0)
	for n := range loops {
		for i := range values {
			if any(int64(i)) == any(int64(n)) {
				sum++
			}
		}
	}
	sink = sum
}

func main() {
	rows := []struct {
		name string
		run  func()
		best float64
	}{{"interface call", call, 1e18}, {"assertion to an interface", assertIface, 1e18},
		{"conversion to an interface", assertIface, 1e18}, {"assertion to a type, ok form", assertConcrete, 1e18},
		{"equality of two integers", equal, 1e18}}
	for i := range shapes {
		if i*7%5 < 2 {
			s := &Square{int64(i)}
			shapes[i], values[i] = s, s
		} else {
			c := &Circle{int64(i)}
			shapes[i], values[i] = c, c
		}
	}
	for range rounds {
		for i := range rows {
			start := time.Now()
			rows[i].run()
			rows[i].best = min(rows[i].best, float64(time.Since(start).Nanoseconds())/loops/shapeCount)
		}
	}
	for _, row := range rows {
		fmt.Printf("%s\t%.2f\n", row.name, row.best)
	}
}
