//! Placeholders in commands and environments.

use std::net::SocketAddr;

use super::{Addresses, LaunchError};

/// What placeholders stand for, for one instance.
#[derive(Debug)]
pub(crate) struct Values<'a> {
    pub(crate) service: &'a str,
    pub(crate) ordinal: u32,
    pub(crate) zone: Option<&'a str>,
    pub(crate) address: SocketAddr,
    pub(crate) addresses: &'a Addresses,
}

/// Replaces the placeholders of `text`. Braces around anything else stay: commands may hold JSON.
pub(crate) fn fill(text: &str, values: &Values<'_>) -> Result<String, LaunchError> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let value = after
            .split_once('}')
            .map(|(name, tail)| value(name, values).map(|value| (value, tail)))
            .transpose()?;
        if let Some((Some(value), tail)) = value {
            filled.push_str(&value);
            rest = tail;
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

fn value(name: &str, values: &Values<'_>) -> Result<Option<String>, LaunchError> {
    if let Some(service) = name.strip_prefix("address.") {
        return match values.addresses.services.get(service) {
            Some(address) => Ok(Some(address.to_string())),
            None => Err(LaunchError::NoListener {
                service: service.to_owned(),
            }),
        };
    }
    if name == "egress" {
        let egress = values.addresses.egress.as_ref();
        return egress
            .map(|egress| Some(egress.to_string()))
            .ok_or(LaunchError::NoEgress);
    }
    Ok(Some(match name {
        "address" => values.address.to_string(),
        "host" => values.address.ip().to_string(),
        "port" => values.address.port().to_string(),
        "service" => values.service.to_owned(),
        "instance" => format!("{}/{}", values.service, values.ordinal),
        "ordinal" => values.ordinal.to_string(),
        "zone" => values.zone.unwrap_or_default().to_owned(),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn fills_what_it_knows_and_keeps_the_rest() {
        let addresses = Addresses {
            services: BTreeMap::from([("cart".to_owned(), "127.0.0.1:80".parse().unwrap())]),
            egress: Some("unix:/run/e.sock".parse().unwrap()),
        };
        let values = Values {
            service: "shop",
            ordinal: 2,
            zone: Some("b"),
            address: "127.0.0.1:21002".parse().unwrap(),
            addresses: &addresses,
        };
        for (text, expected) in [
            ("{address}", "127.0.0.1:21002"),
            ("-l {host}:{port}/{service}", "-l 127.0.0.1:21002/shop"),
            ("{instance}@{zone}#{ordinal}", "shop/2@b#2"),
            ("http://{address.cart}/", "http://127.0.0.1:80/"),
            ("{\"port\": {port}}", "{\"port\": 21002}"),
            ("{egress}", "unix:/run/e.sock"),
            ("{other} {", "{other} {"),
        ] {
            assert_eq!(fill(text, &values).unwrap(), expected);
        }
        let error = fill("{address.nobody}", &values).unwrap_err();
        assert!(error.to_string().contains("nobody"), "{error}");
        let nowhere = Addresses::default();
        let values = Values {
            addresses: &nowhere,
            ..values
        };
        assert!(matches!(
            fill("{egress}", &values),
            Err(LaunchError::NoEgress)
        ));
    }
}
