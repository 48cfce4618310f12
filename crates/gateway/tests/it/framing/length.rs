//! `Content-Length`, alone and beside `Transfer-Encoding`.

use super::rows::{Row, run};

#[rustfmt::skip]
const LENGTHS: &[Row] = &[
    ("9110 8.6", "a body of so many bytes", "POST / HTTP/1.1↵Host: a↵Content-Length: 3↵↵abc", "200", "POST / HTTP/1.1↵content-length: 3↵host: a↵↵abc"),
    ("9110 8.6", "what stands behind it is a request", "POST / HTTP/1.1↵Host: a↵Content-Length: 3↵↵abcGET /b HTTP/1.1↵Host: a↵↵", "200 200", "POST / HTTP/1.1↵content-length: 3↵host: a↵↵abcGET /b HTTP/1.1↵host: a↵↵"),
    ("9110 8.6", "a body that looks like a request", "POST / HTTP/1.1↵Host: a↵Content-Length: 30↵↵GET /x HTTP/1.1↵Host: a↵↵aa", "200", "POST / HTTP/1.1↵content-length: 30↵host: a↵↵GET /x HTTP/1.1↵Host: a↵↵aa"),
    ("9110 8.6", "no body", "POST / HTTP/1.1↵Host: a↵Content-Length: 0↵↵", "200", "POST / HTTP/1.1↵content-length: 0↵host: a↵↵"),
    ("9112 6.3", "neither length nor coding is no body", "POST / HTTP/1.1↵Host: a↵↵GET /b HTTP/1.1↵Host: a↵↵", "200 200", "POST / HTTP/1.1↵host: a↵↵GET /b HTTP/1.1↵host: a↵↵"),
    ("9110 9.3.1", "a GET with a body", "GET / HTTP/1.1↵Host: a↵Content-Length: 3↵↵abc", "200", "GET / HTTP/1.1↵content-length: 3↵host: a↵↵abc"),
    ("9110 8.6", "zeros before it", "POST / HTTP/1.1↵Host: a↵Content-Length: 003↵↵abc", "200", "POST / HTTP/1.1↵content-length: 3↵host: a↵↵abc"),
    ("9110 5.5", "white space around it", "POST / HTTP/1.1↵Host: a↵Content-Length: \t3 \t↵↵abc", "200", "POST / HTTP/1.1↵content-length: 3↵host: a↵↵abc"),
    ("9112 6.3", "two lengths", "POST / HTTP/1.1↵Host: a↵Content-Length: 3↵Content-Length: 4↵↵abcG", "400 close", ""),
    ("9112 6.3", "the same length twice", "POST / HTTP/1.1↵Host: a↵Content-Length: 3↵content-length: 3↵↵abc", "400 close", ""),
    ("9110 8.6", "a list of the same length", "POST / HTTP/1.1↵Host: a↵Content-Length: 3, 3↵↵abc", "400 close", ""),
    ("9112 6.3", "a list of two lengths", "POST / HTTP/1.1↵Host: a↵Content-Length: 3,4↵↵abcG", "400 close", ""),
    ("9110 8.6", "a plus sign", "POST / HTTP/1.1↵Host: a↵Content-Length: +3↵↵abc", "400 close", ""),
    ("9110 8.6", "a minus sign", "POST / HTTP/1.1↵Host: a↵Content-Length: -1↵↵abc", "400 close", ""),
    ("9110 8.6", "hexadecimal", "POST / HTTP/1.1↵Host: a↵Content-Length: 0x3↵↵abc", "400 close", ""),
    ("9110 8.6", "a fraction", "POST / HTTP/1.1↵Host: a↵Content-Length: 3.0↵↵abc", "400 close", ""),
    ("9110 8.6", "a space within", "POST / HTTP/1.1↵Host: a↵Content-Length: 1 2↵↵abc", "400 close", ""),
    ("9110 8.6", "an underscore within", "POST / HTTP/1.1↵Host: a↵Content-Length: 1_0↵↵abc", "400 close", ""),
    ("9110 8.6", "nothing", "POST / HTTP/1.1↵Host: a↵Content-Length:↵↵abc", "400 close", ""),
    ("9110 8.6", "more than 64 bits", "POST / HTTP/1.1↵Host: a↵Content-Length: 18446744073709551619↵↵abc", "400 close", ""),
    ("9110 8.6", "digits of another script", "POST / HTTP/1.1↵Host: a↵Content-Length: \u{b3}↵↵abc", "400 close", ""),
    ("9112 8", "the client leaves within the body", "POST / HTTP/1.1↵Host: a↵Content-Length: 5↵↵abc⊣", "400 close", "POST / HTTP/1.1↵content-length: 5↵host: a↵↵…"),
    ("9110 5.1", "a name that only looks like it", "POST / HTTP/1.1↵Host: a↵Content_Length: 3↵↵", "200", "POST / HTTP/1.1↵content_length: 3↵host: a↵↵"),
];

#[rustfmt::skip]
const BOTH: &[Row] = &[
    ("9112 6.1", "a length, then a coding (CL.TE)", "POST / HTTP/1.1↵Host: a↵Content-Length: 6↵Transfer-Encoding: chunked↵↵0↵↵G", "400 close", ""),
    ("9112 6.1", "a coding, then a length (TE.CL)", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵Content-Length: 4↵↵5c↵GPOST / HTTP/1.1↵↵", "400 close", ""),
    ("9112 6.1", "a length of 0 and a coding (0.CL)", "POST / HTTP/1.1↵Host: a↵Content-Length: 0↵Transfer-Encoding: chunked↵↵0↵↵", "400 close", ""),
    ("9112 6.1", "a length and an unknown coding", "POST / HTTP/1.1↵Host: a↵Content-Length: 3↵Transfer-Encoding: x↵↵abc", "400 close", ""),
    ("9112 6.1", "a length and an empty coding", "POST / HTTP/1.1↵Host: a↵Content-Length: 3↵Transfer-Encoding:↵↵abc", "400 close", ""),
    ("9112 6.1", "a length, and the coding in HTTP/1.0", "POST / HTTP/1.0↵Host: a↵Content-Length: 3↵Transfer-Encoding: chunked↵↵abc", "400 close", ""),
    ("9112 6.1", "a length that `Connection` names", "POST / HTTP/1.1↵Host: a↵Connection: content-length↵Content-Length: 3↵↵abc", "200", "POST / HTTP/1.1↵content-length: 3↵host: a↵↵abc"),
    ("9112 6.1", "a coding that `Connection` names", "POST / HTTP/1.1↵Host: a↵Connection: transfer-encoding↵Transfer-Encoding: chunked↵↵3↵abc↵0↵↵", "200", "POST / HTTP/1.1↵host: a↵transfer-encoding: chunked↵↵3↵abc↵0↵↵"),
];

#[tokio::test]
async fn lengths() {
    run(LENGTHS).await;
}

#[tokio::test]
async fn lengths_beside_codings() {
    run(BOTH).await;
}
