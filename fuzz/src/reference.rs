//! A second reader of HTTP/1.1, written against RFC 9112 with httparse, and lenient where that is
//! lenient: what the reader has passed it has to read in the one way that there is.

/// A request as a reader sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Names in lower case, in their order.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    /// Names in lower case.
    pub(crate) trailers: Vec<(String, Vec<u8>)>,
    /// Whether the body was there to its end.
    pub(crate) complete: bool,
    /// Whether no other request follows on the connection.
    pub(crate) last: bool,
}

impl Request {
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let named = self.headers.iter().filter(move |(n, _)| n == name);
        named.map(|(_, value)| value.as_slice())
    }

    fn lists(&self, name: &str, option: &str) -> bool {
        self.values(name)
            .flat_map(|value| value.split(|b| *b == b','))
            .any(|item| item.trim_ascii().eq_ignore_ascii_case(option.as_bytes()))
    }

    /// Whether the client asks to leave HTTP.
    pub(crate) fn asks_to_upgrade(&self) -> bool {
        self.lists("connection", "upgrade") && self.values("upgrade").next().is_some()
    }
}

/// Reads all requests of a stream that the reader has passed.
pub(crate) fn read(mut rest: &[u8]) -> Vec<Request> {
    let mut requests = Vec::new();
    loop {
        rest = rest.strip_prefix(b"\r\n").unwrap_or(rest);
        if rest.is_empty() {
            return requests;
        }
        let (request, used) = one(rest);
        rest = rest.get(used..).unwrap_or_default();
        requests.push(request);
    }
}

/// One request, and its length.
fn one(input: &[u8]) -> (Request, usize) {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Request::new(&mut fields);
    let length = match head.parse(input) {
        Ok(httparse::Status::Complete(length)) => length,
        other => panic!("the reader passed a head that is none: {other:?}"),
    };
    let old = head.version == Some(0);
    let named = |field: &httparse::Header<'_>| (field.name.to_lowercase(), field.value.to_vec());
    let mut request = Request {
        method: head.method.unwrap_or_default().to_owned(),
        target: head.path.unwrap_or_default().to_owned(),
        headers: head.headers.iter().map(named).collect(),
        ..Request::default()
    };
    request.last =
        request.lists("connection", "close") || old && !request.lists("connection", "keep-alive");
    assert!(
        request.values("host").count() == 1 || old && request.values("host").count() == 0,
        "one host"
    );
    let body = input.get(length..).unwrap_or_default();
    let lengths: Vec<&[u8]> = request.values("content-length").collect();
    let codings: Vec<&[u8]> = request.values("transfer-encoding").collect();
    let used = match (lengths.as_slice(), codings.as_slice()) {
        ([], []) => {
            request.complete = true;
            0
        }
        ([length], []) => {
            let length: usize = std::str::from_utf8(length)
                .ok()
                .and_then(|text| text.parse().ok())
                .expect("a length is a number");
            let here = length.min(body.len());
            request.complete = here == length;
            request.body = body.get(..here).unwrap_or_default().to_vec();
            here
        }
        ([], [coding]) => {
            assert!(!old && coding.eq_ignore_ascii_case(b"chunked"));
            chunked(body, &mut request)
        }
        other => panic!("the reader passed an ambiguous length: {other:?}"),
    };
    (request, length + used)
}

/// Reads a chunked body into the request; the bytes that it took.
fn chunked(body: &[u8], request: &mut Request) -> usize {
    let mut at = 0;
    loop {
        let rest = body.get(at..).unwrap_or_default();
        let (used, size) = match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) => return body.len(),
            // A line is judged once it is there in whole.
            Err(_invalid) if !rest.contains(&b'\n') => return body.len(),
            Err(_invalid) => panic!("the reader passed a chunk that is none"),
        };
        at += used;
        if size == 0 {
            return at + trailers(body.get(at..).unwrap_or_default(), request);
        }
        let rest = body.get(at..).unwrap_or_default();
        let here = usize::try_from(size).unwrap_or(usize::MAX).min(rest.len());
        request
            .body
            .extend_from_slice(rest.get(..here).unwrap_or_default());
        let end = rest.get(here..).unwrap_or_default();
        if end.len() < 2 {
            assert!(b"\r\n".starts_with(end), "a chunk ends with CRLF");
            return body.len();
        }
        assert!(end.starts_with(b"\r\n"), "a chunk ends with CRLF");
        at += here + 2;
    }
}

fn trailers(section: &[u8], request: &mut Request) -> usize {
    let mut fields = [httparse::EMPTY_HEADER; 1_024];
    match httparse::parse_headers(section, &mut fields) {
        Ok(httparse::Status::Complete((used, fields))) => {
            let named =
                |field: &httparse::Header<'_>| (field.name.to_lowercase(), field.value.to_vec());
            request.trailers = fields.iter().map(named).collect();
            request.complete = true;
            used
        }
        Ok(httparse::Status::Partial) => section.len(),
        // The section is judged once it is there in whole.
        Err(_invalid) if !section.windows(4).any(|end| end == b"\r\n\r\n") => section.len(),
        Err(why) => panic!("the reader passed trailers that are none: {why}"),
    }
}
