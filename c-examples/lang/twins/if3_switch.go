// The twin of if3_switch.c.
package main

import "fmt"

type Dog struct{ age int32 }

func (d Dog) Speak() string {
	if d.age < 2 {
		return "yip"
	}
	return "woof"
}

type Speaker interface{ Speak() string }
type Celsius float64

func classify(v any) string {
	switch v.(type) {
	case nil:
		return "nil"
	case int64:
		return "int64"
	case Speaker:
		return "speaker"
	case Dog:
		return "dog (never)"
	case string:
		return "string"
	case []int64:
		return "slice"
	case Celsius:
		return "celsius"
	}
	return "something else"
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func main() {
	puppy, old := Dog{1}, Dog{9}
	for _, v := range []any{nil, int64(7), puppy, &puppy, "x", []int64(nil), Celsius(0), float64(0)} {
		fmt.Println(classify(v))
	}
	var seven any = int64(7)
	s, ok := seven.(string)
	fmt.Printf("string? %d, zero %d\n", bit(ok), bit(s == ""))
	i, ok := seven.(int64)
	fmt.Printf("int64? %d, value %d\n", bit(ok), i)
	_, ok = any(nil).(Speaker)
	fmt.Printf("speaker of nil? %d\n", bit(ok))
	_, ok = seven.(Speaker)
	fmt.Printf("speaker? %d\n", bit(ok))
	speaker, ok := any(old).(Speaker)
	fmt.Printf("dog speaks? %d: %s\n", bit(ok), speaker.Speak())
}
