//! The one place where messages are made comparable.
//!
//! 1. What the gateway adds to every request is checked and taken out: ids, deadline, `via`, and
//!    whom the request came from. Of answers it is the id, `date` and
//!    `connection`, whose effect is looked at instead.
//! 2. Headers are sorted by name; those of one name keep their order (RFC 9110, section 5.3).
//! 3. Chunks that follow each other are joined: where they were cut has no meaning.
//!
//! All else is compared as it came. Of a message that is not whole its head is shown, with `…` for
//! its body; what cannot be read is shown as it is, behind `??`.

/// Bytes as rows write them.
pub(super) fn shown(bytes: &[u8]) -> String {
    let text: String = bytes.iter().map(|b| char::from(*b)).collect();
    text.replace("\r\n", "↵")
}

/// What a row writes, as bytes: `↵` is CRLF, and characters up to U+00FF are one byte.
pub(super) fn wire(text: &str) -> Vec<u8> {
    let text = text.replace('↵', "\r\n");
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect()
}

/// Requests as the upstream got them.
pub(super) fn requests(mut raw: &[u8]) -> Vec<String> {
    let mut requests = Vec::new();
    while !raw.is_empty() {
        let Some((request, rest)) = message(raw, added_to_request) else {
            requests.push(format!("??{}", shown(raw)));
            break;
        };
        requests.push(request);
        raw = rest;
    }
    requests
}

/// An answer as the client got it: its head, and its body with its framing.
pub(super) fn answer(raw: &[u8]) -> String {
    message(raw, added_to_answer).map_or_else(
        || format!("??{}", shown(raw)),
        |(answer, rest)| format!("{answer}{}", shown(rest)),
    )
}

/// All answers that a client got on one connection; how long they are or may be kept is a `#`.
pub(super) fn answers(mut raw: &[u8]) -> Vec<String> {
    let mut answers = Vec::new();
    while !raw.is_empty() {
        let Some((answer, rest)) = message(raw, added_to_answer) else {
            answers.push(format!("??{}", shown(raw)));
            break;
        };
        let lines = answer.split('↵').map(timeless);
        answers.push(lines.collect::<Vec<_>>().join("↵"));
        raw = rest;
    }
    answers
}

fn timeless(line: &str) -> String {
    for name in ["age: ", "cache-status: ninefold; hit; ttl="] {
        let value = line.strip_prefix(name);
        if value.is_some_and(|value| value.parse::<u64>().is_ok()) {
            return format!("{name}#");
        }
    }
    line.to_owned()
}

/// One message without what was added, and the bytes behind it.
fn message(raw: &[u8], added: fn(&str, &str) -> bool) -> Option<(String, &[u8])> {
    let end = raw.windows(4).position(|four| four == b"\r\n\r\n")?;
    let (head, body) = (shown(&raw[..end]), &raw[end + 4..]);
    let mut lines = head.split('↵');
    let first = lines.next()?;
    let mut fields = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        if !added(name, value) {
            fields.push((name, value));
        }
    }
    fields.sort_by_key(|(name, _)| *name);
    let value = |name| fields.iter().find(|field| field.0 == name).map(|f| f.1);
    let (body, rest) = if let Some(length) = value("content-length") {
        let whole = body.split_at_checked(length.parse().ok()?);
        whole.map_or_else(cut, |(body, rest)| (shown(body), rest))
    } else if value("transfer-encoding").is_some() {
        chunks(body).unwrap_or_else(cut)
    } else {
        (String::new(), body)
    };
    let fields: String = fields.iter().map(|(n, v)| format!("{n}: {v}↵")).collect();
    Some((format!("{first}↵{fields}↵{body}"), rest))
}

/// A body that is not there to its end.
fn cut<'a>() -> (String, &'a [u8]) {
    ("…".to_owned(), &[])
}

/// A chunked body with all its data in one chunk, and the bytes behind it.
fn chunks(mut body: &[u8]) -> Option<(String, &[u8])> {
    let mut data = Vec::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(str::from_utf8(&body[..end]).ok()?, 16).ok()?;
        body = &body[end + 2..];
        if size == 0 {
            break;
        }
        data.extend_from_slice(body.get(..size)?);
        body = body.get(size..)?.strip_prefix(b"\r\n")?;
    }
    let joined = match data.len() {
        0 => String::new(),
        length => format!("{length:x}↵{}↵", shown(&data)),
    };
    let end = if body.starts_with(b"\r\n") {
        2
    } else {
        body.windows(4).position(|four| four == b"\r\n\r\n")? + 4
    };
    Some((format!("{joined}0↵{}", shown(&body[..end])), &body[end..]))
}

fn added_to_request(name: &str, value: &str) -> bool {
    let hex = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    match name {
        "x-request-id" => value.len() == 32 && hex(value),
        "traceparent" => value.len() == 55 && value.split('-').all(hex),
        "x-deadline-ms" => value.parse::<u64>().is_ok_and(|ms| ms <= 10_000),
        "x-forwarded-for" => value == "127.0.0.1",
        "x-forwarded-proto" => value == "http",
        "x-forwarded-host" => true,
        "via" => ["1.0 ninefold", "1.1 ninefold", "2.0 ninefold"].contains(&value),
        _ => false,
    }
}

fn added_to_answer(name: &str, _: &str) -> bool {
    ["x-request-id", "date", "connection"].contains(&name)
}
