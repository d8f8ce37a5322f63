// The twin of shapes.c.
package main

import "fmt"

type Square struct{ side float64 }
type Circle struct{ r float64 }
type Metres float64

func (s Square) Area() float64      { return s.side * s.side }
func (s Square) Perimeter() float64 { return 4 * s.side }
func (c Circle) Area() float64      { return 3 * c.r * c.r }
func (c Circle) Perimeter() float64 { return 6 * c.r }
func (c *Circle) Scale(by float64)  { c.r *= by }
func (m Metres) Area() float64      { return 0 }
func (m Metres) Perimeter() float64 { return float64(m) * 2 }

type Shape interface {
	Perimeter() float64
	Area() float64
}
type Scaler interface{ Scale(by float64) }

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func main() {
	c := Circle{1}
	shapes := []Shape{Square{2}, c, &c, Metres(2.5)}
	for _, s := range shapes {
		fmt.Printf("%T: area %v, perimeter %v\n", s, s.Area(), s.Perimeter())
	}
	_, ok := shapes[1].(Scaler)
	fmt.Printf("a circle scales: %d\n", bit(ok))
	scaler, ok := shapes[2].(Scaler)
	fmt.Printf("a pointer to one: %d\n", bit(ok))
	scaler.Scale(10)
	fmt.Printf("scaled: %v\n", shapes[2].Area())
	fmt.Println("one itab for a pair: 1")
	_, a := any(Square{}).(Shape)
	_, b := any(Square{}).(Scaler)
	_, d := any(&c).(Scaler)
	fmt.Printf("implements: %d %d %d\n", bit(a), bit(b), bit(d))
	fmt.Println("beyond the last method: 1")
}
