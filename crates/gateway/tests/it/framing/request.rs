//! Request lines and targets.

use super::rows::{Row, run};

#[rustfmt::skip]
const LINES: &[Row] = &[
    ("9112 3", "as simple as it gets", "GET / HTTP/1.1↵Host: a↵↵", "200", "GET / HTTP/1.1↵host: a↵↵"),
    ("9110 9.1", "a method nobody knows", "BREW /pot HTTP/1.1↵Host: a↵↵", "200", "BREW /pot HTTP/1.1↵host: a↵↵"),
    ("9110 9.1", "every character of a token", "!#$%&'*+-.^_`|~ / HTTP/1.1↵Host: a↵↵", "200", "!#$%&'*+-.^_`|~ / HTTP/1.1↵host: a↵↵"),
    ("9110 9.1", "methods have a case", "get / HTTP/1.1↵Host: a↵↵", "200", "get / HTTP/1.1↵host: a↵↵"),
    ("9112 2.2", "an empty line before it", "↵GET / HTTP/1.1↵Host: a↵↵", "200", "GET / HTTP/1.1↵host: a↵↵"),
    ("9112 2.2", "two empty lines before it", "↵↵GET / HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("9112 2.2", "white space before it", " GET / HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("9112 3", "two spaces", "GET  / HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("9112 3", "a tab for a space", "GET\t/ HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("9112 3", "a form feed for a space", "GET\x0c/ HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("9112 3", "a space behind it", "GET / HTTP/1.1 ↵Host: a↵↵", "400 close", ""),
    ("9112 3", "a space within the target", "GET /a b HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("9112 3", "no target", "GET HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("9112 3", "no version: HTTP/0.9", "GET /↵Host: a↵↵", "400 close", ""),
    ("9110 5.6.2", "a method that is no token", "GE(T / HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("9112 2.3", "a version of one digit", "GET / HTTP/1↵Host: a↵↵", "505 close", ""),
    ("9112 2.3", "a version of three digits", "GET / HTTP/1.10↵Host: a↵↵", "505 close", ""),
    ("9112 2.3", "a version in lower case", "GET / http/1.1↵Host: a↵↵", "400 close", ""),
    ("9112 2.3", "HTTP/1.2 is none that is spoken", "GET / HTTP/1.2↵Host: a↵↵", "505 close", ""),
    ("9112 2.3", "HTTP/2.0 in letters", "GET / HTTP/2.0↵Host: a↵↵", "505 close", ""),
    ("9113 3.4", "half of the preface of HTTP/2", "PRI * HTTP/2.0↵↵XX↵↵", "505 close", ""),
    ("9112 3", "bytes of TLS", "\x16\x03\x01\x02\0\x01\0", "400 close", ""),
];

#[rustfmt::skip]
const TARGETS: &[Row] = &[
    ("9112 3.2.1", "origin form, with a query", "GET /a?b=c&d HTTP/1.1↵Host: a↵↵", "200", "GET /a?b=c&d HTTP/1.1↵host: a↵↵"),
    ("9112 3.2.1", "dots and escapes are left alone", "GET /a/../%2e%2E/b//c HTTP/1.1↵Host: a↵↵", "200", "GET /a/../%2e%2E/b//c HTTP/1.1↵host: a↵↵"),
    ("9112 3.2.1", "two slashes are no authority", "GET //evil/x HTTP/1.1↵Host: a↵↵", "200", "GET //evil/x HTTP/1.1↵host: a↵↵"),
    ("9112 3.2.2", "absolute form becomes origin form", "GET http://a/x?y HTTP/1.1↵Host: a↵↵", "200", "GET /x?y HTTP/1.1↵host: a↵↵"),
    ("9112 3.2.2", "absolute form without a path", "GET http://a HTTP/1.1↵Host: a↵↵", "200", "GET / HTTP/1.1↵host: a↵↵"),
    ("9112 3.2.2", "absolute form with a query only", "GET http://a?x HTTP/1.1↵Host: a↵↵", "200", "GET /?x HTTP/1.1↵host: a↵↵"),
    ("9112 3.2.2", "absolute form, another host", "GET http://b/ HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("9112 3.2.2", "absolute form, another port", "GET http://a:81/ HTTP/1.1↵Host: a:80↵↵", "400 close", ""),
    ("9110 4.2.4", "absolute form with user information", "GET http://u@a/ HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("9112 3.2.2", "absolute form, another scheme", "GET gopher://a/ HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("9112 3.2.2", "absolute form of no host", "GET http:///x HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("9112 3.2.3", "authority form without CONNECT", "GET a:80 HTTP/1.1↵Host: a:80↵↵", "400 close", ""),
    ("9112 3.2.3", "CONNECT: this is no forward proxy", "CONNECT a:80 HTTP/1.1↵Host: a:80↵↵", "405 close", ""),
    ("9112 3.2.4", "asterisk form", "OPTIONS * HTTP/1.1↵Host: a↵↵", "200", "OPTIONS * HTTP/1.1↵host: a↵↵"),
    ("9112 3.2.4", "asterisk form without OPTIONS", "GET * HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("9112 3.2", "a relative target", "GET a/b HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("9110 4.2.5", "a fragment", "GET /a#b HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("3986 2", "a byte outside of ASCII", "GET /\u{e9} HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("3986 2", "a zero byte", "GET /\0 HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("3986 2", "a delete byte", "GET /\x7f HTTP/1.1↵Host: a↵↵", "400 close", ""),
    ("3986 2", "an angle bracket", "GET /<x> HTTP/1.1↵Host: a↵↵", "400 close", ""),
];

#[rustfmt::skip]
const HOSTS: &[Row] = &[
    ("9112 3.2", "no Host", "GET / HTTP/1.1↵↵", "400 close", ""),
    ("9112 3.2", "two", "GET / HTTP/1.1↵Host: a↵Host: b↵↵", "400 close", ""),
    ("9112 3.2", "the same twice", "GET / HTTP/1.1↵Host: a↵hOST: a↵↵", "400 close", ""),
    ("9112 3.2", "an empty one", "GET / HTTP/1.1↵Host:↵↵", "400 close", ""),
    ("9112 3.2", "a list", "GET / HTTP/1.1↵Host: a, b↵↵", "400 close", ""),
    ("9110 7.2", "with user information", "GET / HTTP/1.1↵Host: u@a↵↵", "400 close", ""),
    ("9110 7.2", "with a path", "GET / HTTP/1.1↵Host: a/b↵↵", "400 close", ""),
    ("9110 7.2", "with a scheme", "GET / HTTP/1.1↵Host: http://a↵↵", "400 close", ""),
    ("3986 3.2.3", "a port that is no number", "GET / HTTP/1.1↵Host: a:8x↵↵", "400 close", ""),
    ("3986 3.2.3", "two ports", "GET / HTTP/1.1↵Host: a:1:2↵↵", "400 close", ""),
    ("3986 3.2.2", "a bracket within a name", "GET / HTTP/1.1↵Host: a[b↵↵", "400 close", ""),
    ("3986 3.2.2", "something behind a literal", "GET / HTTP/1.1↵Host: [::1]b↵↵", "400 close", ""),
    ("3986 3.2.2", "an escape, which no name has", "GET / HTTP/1.1↵Host: a%20b↵↵", "400 close", ""),
    ("3986 3.2.2", "every other character of a name", "GET / HTTP/1.1↵Host: a!$&'()*+,;=~-._b↵↵", "200", "GET / HTTP/1.1↵host: a!$&'()*+,;=~-._b↵↵"),
    ("3986 3.2.2", "an address of IPv6", "GET / HTTP/1.1↵Host: [::1]:80↵↵", "200", "GET / HTTP/1.1↵host: [::1]:80↵↵"),
    ("9110 4.2.3", "its case is kept", "GET / HTTP/1.1↵Host: Shop.Test↵↵", "200", "GET / HTTP/1.1↵host: Shop.Test↵↵"),
];

#[tokio::test]
async fn request_lines() {
    run(LINES).await;
}

#[tokio::test]
async fn targets() {
    run(TARGETS).await;
}

#[tokio::test]
async fn hosts() {
    run(HOSTS).await;
}
