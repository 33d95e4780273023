package packet_test

import (
	"fmt"

	"github.com/kachi-io/kachi/engineio/packet"
)

func ExampleParsePayload() {
	body := packet.AppendPayload(nil,
		packet.Packet{Type: packet.Message, Data: []byte("hello")},
		packet.Packet{Type: packet.Message, Data: []byte{1, 2, 3, 4}, Binary: true},
	)
	fmt.Printf("%q\n", body)
	for p, err := range packet.ParsePayload(body, 100) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%v binary=%v %q\n", p.Type, p.Binary, p.Data)
	}
	// Output:
	// "4hello\x1ebAQIDBA=="
	// message binary=false "hello"
	// message binary=true "\x01\x02\x03\x04"
}
