package mime

// structures are odd messages, and the trees that are found in them.
var structures = []struct{ name, raw, want string }{
	{"plain", "Subject: a\n\nbody\n", `
1 text/plain 0-12-17 "body\n"
`},
	{"nothing", "", `
1 text/plain 0-0-0 ""
! no-header 1@0
`},
	{"no header", "hello\nworld\n", `
1 text/plain 0-0-12 "hello\nworld\n"
! no-header 1@0
`},
	{"header only", "Subject: a\n", `
1 text/plain 0-11-11 ""
`},
	{"text with a name", "Content-Type: text/plain; name=a.txt\n\nbody", `
1 text/plain 0-38-42 "body" name=a.txt
`},
	{"filename before name", "Content-Type: text/x; name=a\nContent-Disposition: attachment; filename=b\n\nbody", `
1 text/x 0-74-78 "body" name=b
`},
	{"empty filename before name", "Content-Type: text/x; name=a\nContent-Disposition: attachment; filename=\"\"\n\nbody", `
1 text/x 0-75-79 "body"
! parameters 1@29
`},
	{"no filename before name", "Content-Type: text/x; name=a\nContent-Disposition: attachment; filename=\n\nbody", `
1 text/x 0-73-77 "body" name=a
! parameters 1@29
`},
	{"nothing for a boundary", "Content-Type: multipart/mixed; boundary=\n\n--\n\nx\n----\n", `
1 multipart/mixed 0-42-53 "--\n\nx\n----\n"
! parameters 1@0
! no-boundary 1@0
`},
	{"unreadable type", "Content-Type: nonsense\n\nbody", `
1 text/plain 0-24-28 "body"
! parameters 1@0
! content-type 1@0
`},
	{"two types", "Content-Type: text/x\nContent-Type: text/y\n\nbody", `
1 text/x 0-43-47 "body"
! repeated-field 1@21
`},
	{"the same type twice", "Content-Type: text/x\nContent-type:  text/x\n\nbody", `
1 text/x 0-44-48 "body"
`},
	{"unknown encoding", "Content-Transfer-Encoding: foobar\n\nbody", `
1 text/plain 0-35-39 "body"
! unknown-encoding 1@0
`},
	{"another spelling of an encoding", "Content-Transfer-Encoding: 8-Bit\n\nbody", `
1 text/plain 0-34-38 "body"
! unknown-encoding 1@0
`},
	{"words behind an encoding", "Content-Transfer-Encoding: base64 7bit\n\nYQ==", `
1 text/plain 0-40-44 "YQ=="
! parameters 1@0
`},
	{"two parts", mixed + "--b\n" + typeX + "one\n--b\n" + typeX + "two\n--b--\n", `
1 multipart/mixed 0-43-109
1.1 text/x 47-69-72 "one"
1.2 text/x 77-99-102 "two"
`},
	{"crlf", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--\r\n", `
1 multipart/mixed 0-45-64
1.1 text/plain 50-52-55 "one"
`},
	{"cr only", "Content-Type: multipart/mixed; boundary=b\r\r--b\r\rone\r--b--\rend", `
1 multipart/mixed 0-43-61
1.1 text/plain 47-48-51 "one"
! cr-line-ends 1@0
`},
	{"mixed line ends", mixed + "--b\r\nContent-Type: text/x\n\r\none\r\n--b\n\ntwo\n--b--\r\n", `
1 multipart/mixed 0-43-92
1.1 text/x 48-71-74 "one"
1.2 text/plain 80-81-84 "two"
`},
	{"a cr within a line begins none", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r--b\r\n--b--\r\n", `
1 multipart/mixed 0-45-68
1.1 text/plain 50-52-59 "one\r--b"
! boundary-like 1@56
`},
	{"preamble and epilogue", mixed + "pre\n\n--b\n\none\n--b--\nepi\n", `
1 multipart/mixed 0-43-67
1.1 text/plain 52-53-56 "one"
`},
	{"blank lines at the end belong to the content", mixed + "--b\n\none\n\n\n--b--\n", `
1 multipart/mixed 0-43-60
1.1 text/plain 47-48-53 "one\n\n"
`},
	{"blanks after boundaries", mixed + "--b \t\n\none\n--b-- \n", `
1 multipart/mixed 0-43-61
1.1 text/plain 49-50-53 "one"
`},
	{"text after boundaries", mixed + "--b x\n--b\n\none\n--b--x\n--bb\n --b\n--b-\n--b--\n", `
1 multipart/mixed 0-43-86
1.1 text/plain 53-54-79 "one\n--b--x\n--bb\n --b\n--b-"
`},
	{"boundaries in a row", mixed + "--b\n--b\n\none\n--b--\n", `
1 multipart/mixed 0-43-62
1.1 text/plain 51-52-55 "one"
`},
	{"an empty part", mixed + "--b\n--b--\n", `
1 multipart/mixed 0-43-53
1.1 text/plain 47-47-47 ""
`},
	{"a part ends within its header", mixed + "--b\nContent-Type: text/x\n--b\nContent-ID: <i>\n\ntwo\n--b--\n", `
1 multipart/mixed 0-43-99
1.1 text/x 47-68-68 ""
1.2 text/plain 72-89-92 "two"
`},
	{"a part without a header", mixed + "--b\n\nContent-Type: text/x\n\none\n--b--\n", `
1 multipart/mixed 0-43-80
1.1 text/plain 47-48-73 "Content-Type: text/x\n\none"
`},
	{"a part without a header and an empty line", mixed + "--b\none\n--b--\n", `
1 multipart/mixed 0-43-57
1.1 text/plain 47-47-50 "one"
! no-empty-line 1.1@47
`},
	{"junk before a header", mixed + "--b\njunk\n" + typeX + "one\n--b--\n", `
1 multipart/mixed 0-43-84
1.1 text/x 47-74-77 "one"
! junk-line 1.1@47
`},
	{"junk in a header", mixed + "--b\nContent-Type: text/x\njunk\nContent-ID: <i>\n\none\n--b--\n", `
1 multipart/mixed 0-43-100
1.1 text/x 47-90-93 "one"
! junk-line 1.1@68
`},
	{"junk before the header of the next part", mixed + "--b\njunk\n--b\n" + typeX + "two\n--b--\n", `
1 multipart/mixed 0-43-88
1.1 text/plain 47-47-51 "junk"
1.2 text/x 56-78-81 "two"
! no-empty-line 1.1@47
`},
	{"a field that begins with a blank", mixed + "--b\n Content-Type: text/x\nContent-ID: <i>\n\none\n--b--\n", `
1 multipart/mixed 0-43-96
1.1 text/plain 47-86-89 "one"
! lost-continuation 1.1@47
`},
	{"a separator before a header", mixed + "--b\nFrom x@mail.example\n" + typeX + "one\n--b--\n", `
1 multipart/mixed 0-43-99
1.1 text/x 47-89-92 "one"
! mbox-line 1.1@47
`},
	{"no empty line before the first part", "Content-Type: multipart/mixed; boundary=b\n--b\n" + typeX + "one\n--b--\n", `
1 multipart/mixed 0-42-78
1.1 text/x 46-68-71 "one"
! no-empty-line 1@42
`},
	{"no empty line", mixed + "--b\nContent-Type: text/x\none\n--b--\n", `
1 multipart/mixed 0-43-78
1.1 text/x 47-68-71 "one"
! no-empty-line 1.1@68
`},
	{"boundaries that differ by dashes", "Content-Type: multipart/mixed; boundary=\"b--\"\n\n--b--\nContent-Type: multipart/x; boundary=b\n\n--b\n\nin\n--b--\n\nhidden\n--b----\n", `
1 multipart/mixed 0-47-122
1.1 multipart/x 53-92-113
1.1.1 text/plain 96-97-99 "in"
! boundary-repeated 1.1@53
`},
	{"a boundary that CR alone ends", mixed + "--b\n\none\n--b\r\ntwo\n--b\rthree\n--b--\n", `
1 multipart/mixed 0-43-77
1.1 text/plain 47-48-51 "one"
1.2 text/plain 57-57-70 "two\n--b\rthree"
! boundary-like 1@61
! no-empty-line 1.2@57
`},
	{"several lines like a boundary", mixed + "--b\n\none\r--b\rtwo\r--b\n--b--\nend\n--b\n", `
1 multipart/mixed 0-43-78
1.1 text/plain 47-48-63 "one\r--b\rtwo\r--b"
! boundary-like 1@52
`},
	{"another multipart's boundary after its end", mixed + "--b\nContent-Type: multipart/x; boundary=c\n\n--c\n\none\n--c--\n--b\n\n--c\n--b--\n", `
1 multipart/mixed 0-43-116
1.1 multipart/x 47-86-100
1.1.1 text/plain 90-91-94 "one"
1.2 text/plain 105-106-109 "--c"
`},
	{"boundary in two ways", "Content-Type: multipart/mixed; boundary=a; boundary*=us-ascii''b\n\n--b\n\none\n--b--\n", `
1 multipart/mixed 0-66-81
1.1 text/plain 70-71-74 "one"
! parameters 1@0
`},
	{"boundary in pieces", "Content-Type: multipart/mixed; boundary*0=b; boundary*1=c\n\n--bc\n\none\n--bc--\n", `
1 multipart/mixed 0-59-76
1.1 text/plain 64-65-68 "one"
! parameters 1@0
`},
	{"boundary with a comment", "Content-Type: multipart/mixed; boundary=b (c)\n\n--b\n\none\n--b--\n", `
1 multipart/mixed 0-47-62
1.1 text/plain 51-52-55 "one"
! parameters 1@0
`},
	{"boundary with an escape", "Content-Type: multipart/mixed; boundary=\"b\\c\"\n\n--bc\n\none\n--bc--\n", `
1 multipart/mixed 0-47-64
1.1 text/plain 52-53-56 "one"
! parameters 1@0
`},
	{"boundary with a fold", "Content-Type: multipart/mixed; boundary=\"b\n c\"\n\n--b c\n\none\n--b c--\n", `
1 multipart/mixed 0-48-67
1.1 text/plain 54-55-58 "one"
! parameters 1@0
`},
	{"boundary that is an encoded word", "Content-Type: multipart/mixed; boundary=\"=?us-ascii?q?b?=\"\n\n--=?us-ascii?q?b?=\n\none\n--=?us-ascii?q?b?=--\n", `
1 multipart/mixed 0-60-105
1.1 text/plain 79-80-83 "one"
! parameters 1@0
`},
	{"boundary in another parameter", "Content-Type: multipart/mixed; x=\"boundary=c\"; boundary=b\n\n--b\n\none\n--b--\n", `
1 multipart/mixed 0-59-74
1.1 text/plain 63-64-67 "one"
! parameters 1@0
`},
	{"boundary as readers agree", "Content-Type: multipart/mixed;\n\tBoundary = \"=_b?= c\" ; charset=x\n\n--=_b?= c\n\none\n--=_b?= c--\n", `
1 multipart/mixed 0-66-93
1.1 text/plain 76-77-80 "one"
`},
	{"parts after the end", mixed + "--b\n\none\n--b--\n--b\n\ntwo\n--b--\n", `
1 multipart/mixed 0-43-73
1.1 text/plain 47-48-51 "one"
! boundary-like 1@58
`},
	{"unterminated", mixed + "--b\n\none\n--b\n\ntwo\n", `
1 multipart/mixed 0-43-61
1.1 text/plain 47-48-51 "one"
1.2 text/plain 56-57-61 "two\n"
! unterminated 1@61
`},
	{"ends with a boundary", mixed + "--b\n\none\n--b", `
1 multipart/mixed 0-43-55
1.1 text/plain 47-48-51 "one"
1.2 text/plain 55-55-55 ""
! unterminated 1@55
`},
	{"ends with the last boundary", mixed + "--b\n\none\n--b--", `
1 multipart/mixed 0-43-57
1.1 text/plain 47-48-51 "one"
`},
	{"ends with a dash", mixed + "--b\n\none\n-", `
1 multipart/mixed 0-43-53
1.1 text/plain 47-48-53 "one\n-"
! unterminated 1@53
`},
	{"no boundary", "Content-Type: multipart/mixed\n\n--b\n\none\n--b--\n", `
1 multipart/mixed 0-31-46 "--b\n\none\n--b--\n"
! no-boundary 1@0
`},
	{"empty boundary", "Content-Type: multipart/mixed; boundary=\"\"\n\n--\n\none\n----\n", `
1 multipart/mixed 0-44-57
1.1 text/plain 47-48-51 "one"
`},
	{"boundary with a blank at its end", "Content-Type: multipart/mixed; boundary=\"b \"\n\n--b\n\none\n--b--\n", `
1 multipart/mixed 0-46-61
1.1 text/plain 50-51-54 "one"
`},
	{"the boundary does not occur", mixed + "one\ntwo\n", `
1 multipart/mixed 0-43-51 "one\ntwo\n"
! boundary-missing 1@43
`},
	{"only the last boundary", mixed + "one\n--b--\ntwo\n", `
1 multipart/mixed 0-43-57 "one\n--b--\ntwo\n"
! boundary-missing 1@43
`},
	{"multipart with an encoding", "Content-Transfer-Encoding: base64\n" + mixed + "--b\n\none\n--b--\n", `
1 multipart/mixed 0-77-92
1.1 text/plain 81-82-85 "one"
! multipart-encoded 1@0
`},
	{"an outer boundary ends the inner part", mixed + "--b\nContent-Type: multipart/x; boundary=c\n\n--c\n\nin\n--b\n\nout\n--b--\n", `
1 multipart/mixed 0-43-109
1.1 multipart/x 47-86-93
1.1.1 text/plain 90-91-93 "in"
1.2 text/plain 98-99-102 "out"
! unterminated 1.1@94
`},
	{"an outer end ends the inner part", mixed + "--b\nContent-Type: multipart/x; boundary=c\n\n--c\n\nin\n--b--\n--c\n\nno\n", `
1 multipart/mixed 0-43-108
1.1 multipart/x 47-86-93
1.1.1 text/plain 90-91-93 "in"
! unterminated 1.1@94
`},
	{"an outer boundary ends all", mixed + "--b\nContent-Type: multipart/x; boundary=c\n\n--c\nContent-Type: multipart/y; boundary=d\n\n--d\nContent-Type: text/x\n--b--\n", `
1 multipart/mixed 0-43-160
1.1 multipart/x 47-86-154
1.1.1 multipart/y 90-129-154
1.1.1.1 text/x 133-154-154 ""
! unterminated 1.1@154
! unterminated 1.1.1@154
`},
	{"an outer boundary before the inner one", mixed + "--b\nContent-Type: multipart/x; boundary=c\n\ntext\n--b\n\nout\n--b--\n", `
1 multipart/mixed 0-43-106
1.1 multipart/x 47-86-90 "text"
1.2 text/plain 95-96-99 "out"
! boundary-missing 1.1@86
`},
	{"inner epilogue", mixed + "--b\nContent-Type: multipart/x; boundary=c\n\n--c\n\nin\n--c--\nepi\n--b\n\nout\n--b--\n", `
1 multipart/mixed 0-43-119
1.1 multipart/x 47-86-103
1.1.1 text/plain 90-91-93 "in"
1.2 text/plain 108-109-112 "out"
`},
	{"one boundary is the beginning of another", mixed + "--b\nContent-Type: multipart/x; boundary=b1\n\n--b1\n\nin\n--b1--\n--b\n\nout\n--b--\n", `
1 multipart/mixed 0-43-118
1.1 multipart/x 47-87-102
1.1.1 text/plain 92-93-95 "in"
1.2 text/plain 107-108-111 "out"
`},
	{"one boundary is the end of another", mixed + "--b\nContent-Type: multipart/x; boundary=b--\n\n--b--\n\nin\n--b----\n--b\n\nout\n--b--\n", `
1 multipart/mixed 0-43-121
1.1 multipart/x 47-88-105
1.1.1 text/plain 94-95-97 "in"
1.2 text/plain 110-111-114 "out"
! boundary-repeated 1.1@47
`},
	{"the same boundary inside", mixed + "--b\n" + mixed + "--b\n\nin\n--b--\n--b\n\nout\n--b--\n", `
1 multipart/mixed 0-43-119
1.1 multipart/mixed 47-90-103
1.1.1 text/plain 94-95-97 "in"
1.2 text/plain 108-109-112 "out"
! boundary-repeated 1.1@47
`},
	{"digest", "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: a\n\none\n--b\n" + typeX + "two\n--b--\n", `
1 multipart/digest 0-44-101
1.1 message/rfc822 48-49-64
1.1.1 text/plain 49-61-64 "one"
1.2 text/x 69-91-94 "two"
`},
	{"a message in a part", mixed + "--b\nContent-Type: message/rfc822\n\nSubject: a\n" + typeX + "one\n--b--\n", `
1 multipart/mixed 0-43-120
1.1 message/rfc822 47-77-113
1.1.1 text/x 77-110-113 "one"
`},
	{"a message with parts", mixed + "--b\nContent-Type: message/global\n\nContent-Type: multipart/x; boundary=c\n\n--c\n\none\n--c--\nepi\n--b--\n", `
1 multipart/mixed 0-43-141
1.1 message/global 47-77-134
1.1.1 multipart/x 77-116-134
1.1.1.1 text/plain 120-121-124 "one"
`},
	{"a message that ends within its header", mixed + "--b\nContent-Type: message/rfc822\n\nSubject: a\n--b\n\ntwo\n--b--\n", `
1 multipart/mixed 0-43-103
1.1 message/rfc822 47-77-88
1.1.1 text/plain 77-88-88 ""
1.2 text/plain 92-93-96 "two"
`},
	{"an empty message", mixed + "--b\nContent-Type: message/rfc822\n\n--b--\n", `
1 multipart/mixed 0-43-83
1.1 message/rfc822 47-77-77
1.1.1 text/plain 77-77-77 ""
! no-header 1.1.1@77
`},
	{"a message with a separator", "Content-Type: message/news\n\nFrom x@mail.example\nSubject: a\n\none\n", `
1 message/news 0-28-64
1.1 text/plain 28-60-64 "one\n"
! mbox-line 1.1@28
`},
	{"other message types are leaves", "Content-Type: message/delivery-status\n\nA: b\n\nC: d\n", `
1 message/delivery-status 0-39-50 "A: b\n\nC: d\n"
`},
	{"text that has boundaries", "Content-Type: text/plain; boundary=b\n\n--b\n\none\n--b--\n", `
1 text/plain 0-38-53 "--b\n\none\n--b--\n"
`},
	{"boundaries in a field", "Content-Type: multipart/mixed; boundary=b\nX-A: b\n --b\n\n--b\n\none\n--b--\n", `
1 multipart/mixed 0-55-70
1.1 text/plain 59-60-63 "one"
`},
}
