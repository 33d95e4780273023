package msgpack_test

import (
	"fmt"

	"github.com/kachi-io/kachi/socketio/packet"
	"github.com/kachi-io/kachi/socketio/packet/msgpack"
)

func Example() {
	data, attachments, err := packet.EncodeEvent("upload", []any{"a.png", []byte{0x89, 'P', 'N', 'G'}})
	if err != nil {
		fmt.Println(err)
		return
	}
	p := packet.Packet{Type: packet.Event, Namespace: "/", ID: 7, Data: data, Attachments: attachments}
	_, messages, err := msgpack.Encoding.Append(nil, &p)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%q\n", messages)

	p, _, err = msgpack.Encoding.NewReader(packet.Limits{}).Binary(messages[0])
	fmt.Printf("%s %q %v\n", p.Data, p.Attachments, err)
	// Output:
	// ["\x84\xa4type\x02\xa3nsp\xa1/\xa2id\a\xa4data\x93\xa6upload\xa5a.png\xc4\x04\x89PNG"]
	// ["upload","a.png",{"_placeholder":true,"num":0}] ["\x89PNG"] <nil>
}
