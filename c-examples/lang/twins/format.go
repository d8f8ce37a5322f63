// The twin of format.c.
package main

import (
	"fmt"
	"math"
	"unsafe"
)

type Point struct{ X, Y int32 }
type All struct {
	B   bool
	I8  int8
	U8  uint8
	I16 int16
	U16 uint16
	I64 int64
	U64 uint64
	F32 float32
	F64 float64
	S   string
}
type Line struct {
	From, to   Point
	At         *Point
	Warm, cold Celsius
	Names      [2]string
	List       []Point
	Any, Other any
	Who        Stringer
}
type Stringer interface{ String() string }
type Celsius float64
type Fault int32
type Plain string
type Moody Point
type Shy Point

func (c Celsius) String() string {
	if c > 30 {
		return "hot"
	}
	return "cool"
}
func (f Fault) Error() string  { return fmt.Sprintf("fault %d", int32(f)) }
func (f Fault) String() string { return "never: Error comes first" }
func (m Moody) String() string {
	if m.X < 0 {
		panic(fmt.Sprintf("negative %d", m.X))
	}
	return "moody"
}
func (s *Shy) String() string {
	if s == nil {
		panic("no receiver")
	}
	return "shy"
}

func show(v any) {
	text, plus := fmt.Sprintf("%v", v), fmt.Sprintf("%+v", v)
	fmt.Println(text)
	if text != plus {
		fmt.Println(plus)
	}
}

func scalars() {
	for _, f := range []float64{0, 1, -1.5, 0.1, 100000, 999999, 1e6, 123456789, 1e-4, 1e-5, 1e20, 1e21, 5e-324, 2.5e-7,
		1.7976931348623157e308, 3.0e10, math.Copysign(0, -1), math.Inf(1), math.Inf(-1)} {
		show(f)
	}
	show(float32(0.1))
	show(float32(16777216))
	show(Celsius(31))
	show(nil)
	show(int64(math.MinInt64))
	show(uint64(math.MaxUint64))
	show(int8(-128))
	show(true)
	show(Fault(7))
	show("text, as it is\n\ttabs too")
	show(Plain("named"))
	show(unsafe.Pointer(nil))
	show(unsafe.Pointer(uintptr(0xbeef)))
	show((*int64)(nil))
}

func composites() {
	p := [3]Point{{1, 2}, {3, 4}, {-5, 6}}
	line := Line{Point{1, 2}, Point{3, 4}, nil, 31, 31, [2]string{"a", ""}, p[:2], nil, nil, nil}
	three := p[:]
	show(All{true, -8, 8, -16, 16, -64, 64, 0.5, 2.25, "s"})
	show(p[0])
	show(&p[0])
	show(three)
	show([]Point(nil))
	show(&three)
	show([2]Point{p[0], p[1]})
	show([3][2]int32{{1, 2}, {3, 4}, {-5, 6}})
	show([]byte("abc"))
	show(line)
	line.Any, line.Other, line.Who = "inside", p[0], Moody{1, 2}
	show(line)
	show(&line)
}

func methods() {
	show(Moody{1, 2})
	show(&Moody{1, 2})
	show((*Moody)(nil))
	show(Moody{-5, 6})
	show([2]Moody{{1, 2}, {-1, 2}})
	show(Shy{1, 2})
	show(&Shy{1, 2})
	show((*Shy)(nil))
}

func main() {
	scalars()
	composites()
	methods()
	long := "longer than that"
	fmt.Printf("3 of %d: %s\n", len(long), long[:3])
	fmt.Println(len(fmt.Sprint(12345)))
}
