//! `Transfer-Encoding`, chunks, extensions and trailers.

use super::rows::{Row, run};

#[rustfmt::skip]
const CODINGS: &[Row] = &[
    ("9112 7.1", "chunks", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵3↵abc↵2↵de↵0↵↵", "200", "POST / HTTP/1.1↵host: a↵transfer-encoding: chunked↵↵5↵abcde↵0↵↵"),
    ("9112 7", "codings have no case", "POST / HTTP/1.1↵Host: a↵tRANSFER-eNCODING: CHUNKED↵↵3↵abc↵0↵↵", "200", "POST / HTTP/1.1↵host: a↵transfer-encoding: chunked↵↵3↵abc↵0↵↵"),
    ("9112 7.1.2", "trailers that were announced", "POST / HTTP/1.1↵Host: a↵Trailer: X-Sum↵Transfer-Encoding: chunked↵↵3↵abc↵0↵X-Sum: 1↵↵", "200", "POST / HTTP/1.1↵host: a↵trailer: X-Sum↵transfer-encoding: chunked↵↵3↵abc↵0↵x-sum: 1↵↵"),
    ("9112 6.1", "another coding first", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: gzip, chunked↵↵0↵↵", "400 close", ""),
    ("9112 6.1", "another coding last", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked, gzip↵↵0↵↵", "400 close", ""),
    ("9112 6.1", "identity is none any more", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: identity↵↵0↵↵", "400 close", ""),
    ("9112 6.1", "chunked, identity", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked, identity↵↵0↵↵", "400 close", ""),
    ("9112 6.1", "chunked twice", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked, chunked↵↵0↵↵", "400 close", ""),
    ("9112 6.1", "chunked in two lines", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵Transfer-Encoding: chunked↵↵0↵↵", "400 close", ""),
    ("9112 6.1", "two lines, one unknown", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: x↵Transfer-Encoding: chunked↵↵0↵↵", "400 close", ""),
    ("9112 7", "an empty element", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: , chunked↵↵0↵↵", "400 close", ""),
    ("9112 7", "a parameter", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked;q=1↵↵0↵↵", "400 close", ""),
    ("9112 7", "in quotes", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: \"chunked\"↵↵0↵↵", "400 close", ""),
    ("9112 7", "a letter before it", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: xchunked↵↵0↵↵", "400 close", ""),
    ("9110 5.5", "a vertical tab before it", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: \x0bchunked↵↵0↵↵", "400 close", ""),
    ("9110 5.5", "a zero byte behind it", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked\0↵↵0↵↵", "400 close", ""),
    ("9110 5.5", "a byte outside of ASCII behind it", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked\u{a0}↵↵0↵↵", "400 close", ""),
    ("9112 5.1", "a space before the colon", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding : chunked↵↵0↵↵", "400 close", ""),
    ("9112 5.2", "in a folded line", "POST / HTTP/1.1↵Host: a↵Transfer-Encoding:↵ chunked↵↵0↵↵", "400 close", ""),
    ("9112 2.2", "behind a bare CR", "POST / HTTP/1.1↵Host: a↵X: y\rTransfer-Encoding: chunked↵↵0↵↵", "400 close", ""),
    ("9112 6.1", "in HTTP/1.0", "POST / HTTP/1.0↵Transfer-Encoding: chunked↵↵0↵↵", "400 close", ""),
    ("9110 5.1", "a name that only looks like it", "POST / HTTP/1.1↵Host: a↵Transfer_Encoding: chunked↵↵", "200", "POST / HTTP/1.1↵host: a↵transfer_encoding: chunked↵↵"),
];

/// Bodies behind the same head, so only they are written.
#[rustfmt::skip]
const CHUNKS: &[(&str, &str, &str, &str, &str)] = &[
    ("9112 7.1", "sizes in capitals, with zeros", "00A↵0123456789↵000↵↵", "200", "a↵0123456789↵0↵↵"),
    ("9112 7.1.1", "extensions end here", "3;n;a=b;c=\"d;e\"↵abc↵0;last↵↵", "200", "3↵abc↵0↵↵"),
    ("9112 7.1", "data that looks like chunks", "5↵0↵↵↵0↵↵", "200", "5↵0↵↵↵0↵↵"),
    ("9112 7.1", "an empty body", "0↵↵", "200", "0↵↵"),
    ("9112 2.2", "a bare LF behind a size", "3\nabc↵0↵↵", "400 close", ""),
    ("9112 2.2", "a bare CR behind a size", "3\rabc↵0↵↵⊣", "400 close", ""),
    ("9112 2.2", "a bare LF behind data", "3↵abc\n0↵↵", "400 close", ""),
    ("9112 2.2", "a bare LF at the end", "3↵abc↵0↵\n", "400 close", ""),
    ("9112 7.1", "more data than said", "3↵abcd↵0↵↵", "400 close", ""),
    ("9112 7.1", "less data than said", "4↵abc↵0↵↵", "400 close", ""),
    ("9112 7.1", "no CRLF behind data", "3↵abc0↵↵", "400 close", ""),
    ("9112 7.1", "a space before a size", " 3↵abc↵0↵↵", "400 close", ""),
    ("9112 7.1.1", "a space behind a size", "3 ↵abc↵0↵↵", "400 close", ""),
    ("9112 7.1.1", "a space before an extension", "3 ;x↵abc↵0↵↵", "400 close", ""),
    ("9112 7.1", "0x before a size", "0x3↵abc↵0↵↵", "400 close", ""),
    ("9112 7.1", "a sign before a size", "+3↵abc↵0↵↵", "400 close", ""),
    ("9112 7.1", "a size below 0", "-1↵abc↵0↵↵", "400 close", ""),
    ("9112 7.1", "no size", "↵abc↵0↵↵", "400 close", ""),
    ("9112 7.1", "an underscore in a size", "1_0↵0123456789012345↵0↵↵", "400 close", ""),
    ("9112 7.1", "a size of more than 64 bits", "10000000000000003↵abc↵0↵↵", "400 close", ""),
    ("9112 7.1.1", "a zero byte in an extension", "3;\0↵abc↵0↵↵", "400 close", ""),
    ("9112 7.1.1", "a bare LF in an extension", "3;a\n0↵↵", "400 close", ""),
    ("9112 7.1.1", "a bare CR in an extension", "3;a\rb↵abc↵0↵↵", "400 close", ""),
    ("9110 6.5.1", "a length as a trailer", "3↵abc↵0↵Content-Length: 9↵↵", "400 close", ""),
    ("9110 6.5.1", "a coding as a trailer", "3↵abc↵0↵Transfer-Encoding: chunked↵↵", "400 close", ""),
    ("9110 6.5.1", "a host as a trailer", "3↵abc↵0↵Host: b↵↵", "400 close", ""),
    ("9110 6.5.1", "a trailer for the next hop", "3↵abc↵0↵Connection: x↵↵", "400 close", ""),
    ("9112 5.1", "a trailer with a space before its colon", "3↵abc↵0↵X : y↵↵", "400 close", ""),
    ("9112 5.2", "a folded trailer", "3↵abc↵0↵X: y↵ z↵↵", "400 close", ""),
    ("9110 5.5", "a zero byte in a trailer", "3↵abc↵0↵X: \0↵↵", "400 close", ""),
    ("9112 8", "the client leaves within a chunk", "5↵abc⊣", "400 close", "…"),
    ("9112 8", "the client leaves before the last chunk", "3↵abc↵⊣", "400 close", "…"),
    ("9112 8", "the client leaves within the trailers", "3↵abc↵0↵X: y↵⊣", "400 close", "…"),
];

#[tokio::test]
async fn codings() {
    run(CODINGS).await;
}

#[tokio::test]
async fn chunks() {
    let head = "POST / HTTP/1.1↵Host: a↵Transfer-Encoding: chunked↵↵";
    let reached = "POST / HTTP/1.1↵host: a↵transfer-encoding: chunked↵↵";
    let rows: Vec<Row> = CHUNKS
        .iter()
        .map(|(rfc, what, body, sees, upstream)| {
            let sends: &str = format!("{head}{body}").leak();
            let upstream: &str = match *upstream {
                "" => "",
                upstream => format!("{reached}{upstream}").leak(),
            };
            (*rfc, *what, sends, *sees, upstream)
        })
        .collect();
    run(&rows).await;
}
