package packet
import ("testing";"strings";"unicode/utf8";"encoding/binary")
func byteAtATime(b []byte, i int) int {
	for i < len(b) && b[i] >= ' ' && b[i] < utf8.RuneSelf && b[i] != '"' && b[i] != '\\' { i++ }
	return i
}
var plain [256]bool
func init(){ for i:=0x20;i<0x80;i++ { plain[i] = i!='"'&&i!='\\' } }
func tabled(b []byte, i int) int {
	for i < len(b) && plain[b[i]] { i++ }
	return i
}
func skipPlain8(b []byte, i int) int { // no non-ASCII stop
	const ( ones  = 0x0101010101010101; highs = 0x8080808080808080 )
	for i+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:])
		quote := x ^ ones*'"'; backslash := x ^ ones*'\\'
		stop := (quote-ones)&^quote | (backslash-ones)&^backslash | (x-ones*' ')&^x
		if stop&highs!=0 {break}
		i+=8
	}
	for i < len(b) && b[i]>=' ' && b[i] != '"' && b[i] != '\\' { i++ }
	return i
}
func BenchmarkSkip(b *testing.B) {
	for _, n := range []int{3, 8, 12, 31, 200} {
		text := []byte(strings.Repeat("a", n)+`":12,"padding":1`)
		b.Run("swar/"+string(rune('0'+n/10)), func(b *testing.B){ for b.Loop() { skipPlain(text,0) } })
		b.Run("byte/"+string(rune('0'+n/10)), func(b *testing.B){ for b.Loop() { byteAtATime(text,0) } })
		b.Run("table/"+string(rune('0'+n/10)), func(b *testing.B){ for b.Loop() { tabled(text,0) } })
	}
}
func BenchmarkKorean(b *testing.B) {
	text := []byte(strings.Repeat("까치가 울면 반가운 손님이 온다. ", 20)+`"`)
	b.Run("scanRunes", func(b *testing.B){ b.SetBytes(int64(len(text))); for b.Loop() { scanString(text,-1) } })
	b.Run("valid+skip", func(b *testing.B){ b.SetBytes(int64(len(text))); for b.Loop() { utf8.Valid(text); skipPlain8(text,0) } })
	b.Run("decoderune", func(b *testing.B){ b.SetBytes(int64(len(text))); for b.Loop() { i:=0; for { i = skipPlain(text,i); if text[i]=='"' {break}; _,s := utf8.DecodeRune(text[i:]); i+=s } } })
}
