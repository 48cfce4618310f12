//! What a text must look like.

use ninefold_core::answer::Ignore;

use super::signal::signal;
use super::{address, http};
use crate::model::Name;

/// The syntax of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// Anything.
    Any,
    /// A [`Name`].
    Name,
    /// A sentence on one line.
    Sentence,
    /// A path of a file or folder.
    File,
    /// An argument of a program.
    Argument,
    /// The name of an environment variable.
    Variable,
    /// The name of a user.
    User,
    /// A version of a program.
    Version,
    /// `IP:PORT`.
    SocketAddress,
    /// `HOST:PORT`.
    HostPort,
    /// `IP:PORT` or `unix:/path`.
    Listen,
    /// Permissions of a file, octal.
    Mode,
    /// `HOST:PORT` or `unix:/path`.
    Endpoint,
    /// A DNS name.
    Domain,
    /// `IP:PORT` or `off`.
    Admin,
    /// `FIRST-LAST`.
    Ports,
    /// A signal, with or without `SIG`.
    Signal,
    /// The host of a route.
    Host,
    /// The path of a route.
    Prefix,
    /// A path that a client can send, with or without a query.
    Target,
    /// The name of a service of gRPC.
    GrpcService,
    /// A path, or `tcp`.
    ShortProbe,
    /// A route's name or path.
    RouteReference,
    /// A method.
    Method,
    /// The name of a header.
    Header,
    /// The value of a header.
    HeaderValue,
    /// A path of members of JSON.
    JsonPath,
    /// A SHA-256 in hexadecimal digits.
    Sha256,
}

/// Versions are so long at most: whoever runs one tells the others of it.
const VERSION_CHARS_MAX: usize = 40;

/// Names of claims are so long at most.
const SENTENCE_CHARS_MAX: usize = 200;

impl Syntax {
    /// Whether a text follows it.
    ///
    /// # Errors
    ///
    /// If not; the message says what is allowed.
    pub(crate) fn check(self, text: &str) -> Result<(), String> {
        match self {
            Self::Any => Ok(()),
            Self::Name => name(text),
            Self::Sentence => sentence(text),
            Self::File => no_nul(text).and_then(|()| not_empty(text)),
            Self::Argument => no_nul(text),
            Self::Variable if text.contains('=') => Err(format!("`{text}` has a `=`")),
            Self::Variable | Self::User => no_nul(text).and_then(|()| not_empty(text)),
            Self::Version => version(text),
            Self::SocketAddress => address::socket_address(text).map(drop),
            Self::HostPort => address::host_port(text),
            Self::Listen => address::listen(text).map(drop),
            Self::Endpoint => address::endpoint(text),
            Self::Mode => mode(text).map(drop),
            Self::Domain => http::domain(text),
            Self::Admin => address::admin(text).map(drop),
            Self::Ports => address::ports(text).map(drop),
            Self::Signal => signal(text).map(drop),
            Self::Host => http::host(text),
            Self::Prefix => http::prefix(text),
            Self::Target => http::target(text),
            Self::GrpcService => http::grpc_service(text),
            Self::ShortProbe if text == "tcp" => Ok(()),
            Self::ShortProbe if text.starts_with('/') => http::target(text),
            Self::ShortProbe => Err(format!(
                "`{text}` is no probe: write a path beginning with `/`, \"tcp\", or a table"
            )),
            Self::RouteReference if text.starts_with('/') => http::prefix(text),
            Self::RouteReference => name(text),
            Self::Method => http::method(text),
            Self::Header if http::is_token(text) => Ok(()),
            Self::Header => Err(format!("`{text}` is no name of a header")),
            Self::HeaderValue if text.chars().any(|c| c.is_control() && c != '\t') => {
                Err("a header's value has no control characters".to_owned())
            }
            Self::HeaderValue => Ok(()),
            Self::JsonPath => json_path(text),
            Self::Sha256 => sha256(text).map(drop),
        }
    }

    /// What is expected, for messages.
    pub(crate) const fn expected(self) -> &'static str {
        match self {
            Self::Any | Self::Argument | Self::HeaderValue => "a text",
            Self::Name => "a name: 1 to 63 of a-z, 0-9, `-` and `_`",
            Self::Sentence => "a sentence",
            Self::File => "a path of a file or folder",
            Self::Variable => "the name of an environment variable",
            Self::User => "the name of a user",
            Self::Version => "a version: 1 to 40 of letters, digits, `.`, `_`, `+` and `-`",
            Self::SocketAddress => "an address IP:PORT, as in \"0.0.0.0:8080\"",
            Self::HostPort => "an address HOST:PORT, as in \"10.0.1.5:8080\"",
            Self::Listen => "an address IP:PORT or unix:/PATH, as in \"0.0.0.0:8080\"",
            Self::Endpoint => "an address HOST:PORT or unix:/PATH, as in \"10.0.1.5:8080\"",
            Self::Mode => "permissions, octal, as in \"0660\"",
            Self::Domain => "a DNS name, as in \"_http._tcp.example.org\"",
            Self::Admin => "a loopback address IP:PORT, or \"off\"",
            Self::Ports => "a range of ports, as in \"21000-21999\"",
            Self::Signal => "a signal, as in \"SIGTERM\"",
            Self::Host => "a host name, as in \"shop.example.org\"",
            Self::Prefix | Self::Target => "a path beginning with `/`",
            Self::GrpcService => "the name of a service, as in \"shop.Cart\"",
            Self::ShortProbe => "a path beginning with `/`, or \"tcp\"",
            Self::RouteReference => "the name or the path of a route",
            Self::Method => "a method, as in \"GET\"",
            Self::Header => "the name of a header",
            Self::JsonPath => "a path of JSON, as in \"$.time\"",
            Self::Sha256 => "a SHA-256: 64 hexadecimal digits",
        }
    }

    /// A regular expression (ECMA 262) that every good text matches; `None` for anything.
    pub(crate) const fn pattern(self) -> Option<&'static str> {
        Some(match self {
            Self::Any | Self::Argument | Self::HeaderValue => return None,
            Self::Name => "^[a-z0-9][a-z0-9_-]{0,62}$",
            Self::Sentence | Self::File | Self::User => "^.+$",
            Self::Variable => "^[^=]+$",
            Self::Version => "^[A-Za-z0-9._+-]{1,40}$",
            Self::SocketAddress => "^.+:[0-9]{1,5}$",
            Self::HostPort => "^[^/]+:[0-9]{1,5}$",
            Self::Listen => "^(unix:/.+|.+:[0-9]{1,5})$",
            Self::Endpoint => "^(unix:/.+|[^/]+:[0-9]{1,5})$",
            Self::Mode => "^0?[0-7]{3}$",
            Self::Domain => r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$",
            Self::Admin => "^(off|.+:[0-9]{1,5})$",
            Self::Ports => "^[0-9]{1,5}-[0-9]{1,5}$",
            Self::Signal => "^(SIG)?(HUP|INT|QUIT|USR1|USR2|ALRM|TERM|WINCH)$",
            Self::Host => r"^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$",
            Self::Prefix => r"^/[^?#*{}]*$",
            Self::Target => r"^/[^#]*$",
            Self::GrpcService => r"^[A-Za-z0-9_.-]{1,127}$",
            Self::ShortProbe => r"^(tcp|/[^#]*)$",
            Self::RouteReference => r"^(/[^?#*{}]*|[a-z0-9][a-z0-9_-]{0,62})$",
            Self::Method => "^[^a-z ]+$",
            Self::Header => "^[^ :]+$",
            Self::JsonPath => r"^\$(\.[^.\[]+|\[\*\])+$",
            Self::Sha256 => "^[0-9A-Fa-f]{64}$",
        })
    }
}

fn name(text: &str) -> Result<(), String> {
    text.parse::<Name>()
        .map(drop)
        .map_err(|invalid| invalid.to_string())
}

fn version(text: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    if text.is_empty() || text.len() > VERSION_CHARS_MAX || !text.chars().all(fits) {
        return Err(format!(
            "`{text}` is no version: write 1 to {VERSION_CHARS_MAX} letters, digits, `.`, `_`, `+` and `-`, as in \"1.4.2\""
        ));
    }
    Ok(())
}

/// Reads permissions for owner, group and others.
///
/// # Errors
///
/// If they are none.
pub(crate) fn mode(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix('0').filter(|rest| rest.len() == 3);
    let digits = digits.unwrap_or(text);
    match u32::from_str_radix(digits, 8) {
        Ok(mode) if digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(mode)
        }
        _ => Err(format!(
            "`{text}` is no mode: write three octal digits, as in \"0660\""
        )),
    }
}

fn json_path(text: &str) -> Result<(), String> {
    let path = text.parse::<Ignore>().map(drop);
    path.map_err(|error| format!("`{text}` is no path: {error}"))
}

/// Reads a hash of 64 hexadecimal digits.
///
/// # Errors
///
/// If it is none.
pub(crate) fn sha256(text: &str) -> Result<[u8; 32], String> {
    let none = || format!("`{text}` is no SHA-256: it has 64 hexadecimal digits");
    let digits: Option<Vec<u8>> = text.chars().map(digit).collect();
    let digits = digits
        .filter(|digits| digits.len() == 64)
        .ok_or_else(none)?;
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks(2)) {
        *byte = pair.iter().fold(0, |byte, digit| byte << 4 | digit);
    }
    Ok(hash)
}

fn digit(text: char) -> Option<u8> {
    u8::try_from(text.to_digit(16)?).ok()
}

fn not_empty(text: &str) -> Result<(), String> {
    if text.is_empty() {
        Err("the text is empty".to_owned())
    } else {
        Ok(())
    }
}

fn no_nul(text: &str) -> Result<(), String> {
    if text.contains('\0') {
        Err("the text has a NUL, which the operating system cannot take".to_owned())
    } else {
        Ok(())
    }
}

fn sentence(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        Err("the text is empty".to_owned())
    } else if text.chars().any(char::is_control) {
        Err("the text has a line break or another control character".to_owned())
    } else if text.chars().count() > SENTENCE_CHARS_MAX {
        Err(format!(
            "the text has more than {SENTENCE_CHARS_MAX} characters"
        ))
    } else {
        Ok(())
    }
}
