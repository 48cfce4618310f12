//! Line endings, folded lines, names and values.

use super::rows::{Row, run};

#[rustfmt::skip]
const FIELDS: &[Row] = &[
    ("9112 5", "names have no case", "GET / HTTP/1.1↵hOST: a↵X-Y: z↵↵", "200", "GET / HTTP/1.1↵host: a↵x-y: z↵↵"),
    ("9112 5.1", "white space around a value", "GET / HTTP/1.1↵Host:a↵X:\t y z \t↵↵", "200", "GET / HTTP/1.1↵host: a↵x: y z↵↵"),
    ("9110 5.5", "an empty value", "GET / HTTP/1.1↵Host: a↵X:↵↵", "200", "GET / HTTP/1.1↵host: a↵x: ↵↵"),
    ("9110 5.3", "two of one name stay in order", "GET / HTTP/1.1↵Host: a↵X: 2↵Y: 0↵X: 1↵↵", "200", "GET / HTTP/1.1↵host: a↵x: 2↵x: 1↵y: 0↵↵"),
    ("9110 5.5", "a byte outside of ASCII", "GET / HTTP/1.1↵Host: a↵X: caf\u{e9}↵↵", "200", "GET / HTTP/1.1↵host: a↵x: caf\u{e9}↵↵"),
    ("9110 5.6.2", "every character of a token", "GET / HTTP/1.1↵Host: a↵!#$%&'*+-.^_`|~09: x↵↵", "200", "GET / HTTP/1.1↵!#$%&'*+-.^_`|~09: x↵host: a↵↵"),
    ("9112 5.1", "a space before the colon", "GET / HTTP/1.1↵Host : a↵↵", "400 close", ""),
    ("9112 5.1", "a tab before the colon", "GET / HTTP/1.1↵Host: a↵X\t: y↵↵", "400 close", ""),
    ("9112 5", "no colon", "GET / HTTP/1.1↵Host: a↵X↵↵", "400 close", ""),
    ("9110 5.1", "no name", "GET / HTTP/1.1↵Host: a↵: y↵↵", "400 close", ""),
    ("9110 5.6.2", "a name with a slash", "GET / HTTP/1.1↵Host: a↵X/Y: z↵↵", "400 close", ""),
    ("9110 5.6.2", "a name with a zero byte", "GET / HTTP/1.1↵Host: a↵X\0: y↵↵", "400 close", ""),
    ("9110 5.6.2", "a name outside of ASCII", "GET / HTTP/1.1↵Host: a↵\u{e9}: y↵↵", "400 close", ""),
    ("9110 5.5", "a zero byte in a value", "GET / HTTP/1.1↵Host: a↵X: y\0z↵↵", "400 close", ""),
    ("9110 5.5", "an escape byte in a value", "GET / HTTP/1.1↵Host: a↵X: \x1b[m↵↵", "400 close", ""),
    ("9110 5.5", "a delete byte in a value", "GET / HTTP/1.1↵Host: a↵X: \x7f↵↵", "400 close", ""),
    ("9112 2.2", "a bare LF ends the request line", "GET / HTTP/1.1\nHost: a↵↵", "400 close", ""),
    ("9112 2.2", "a bare LF ends a header", "GET / HTTP/1.1↵Host: a\nX: y↵↵", "400 close", ""),
    ("9112 2.2", "a bare LF ends the head", "GET / HTTP/1.1↵Host: a↵\n", "400 close", ""),
    ("9112 2.2", "a bare CR in the request line", "GET /\rx HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("9112 2.2", "a bare CR in a value", "GET / HTTP/1.1↵Host: a↵X: y\rz↵↵", "400 close", ""),
    ("9112 2.2", "a bare CR as an empty line", "GET / HTTP/1.1↵Host: a↵\rX: y↵↵", "400 close", ""),
    ("9112 2.2", "two CR before a LF", "GET / HTTP/1.1↵Host: a\r↵↵", "400 close", ""),
    ("9112 5.2", "a folded value", "GET / HTTP/1.1↵Host: a↵X: y↵ z↵↵", "400 close", ""),
    ("9112 5.2", "folded with a tab", "GET / HTTP/1.1↵Host: a↵X: y↵\tz↵↵", "400 close", ""),
    ("9112 5.2", "a folded empty line", "GET / HTTP/1.1↵Host: a↵X: y↵ ↵↵", "400 close", ""),
    ("9112 2.2", "white space before the first header", "GET / HTTP/1.1↵ Host: a↵↵", "400 close", ""),
    ("9112 2.2", "the client leaves within a head", "GET / HTTP/1.1↵Host: a↵⊣", "close", ""),
];

#[tokio::test]
async fn fields() {
    run(FIELDS).await;
}
