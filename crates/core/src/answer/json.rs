use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::Ignore;
use super::ignore::Step;

/// A JSON value with its members in order of their names. Of a name that comes twice the last one
/// counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A number without a fraction.
    Whole(i128),
    /// Any other number.
    Number(f64),
    /// A text.
    Text(String),
    /// An array.
    List(Vec<Self>),
    /// An object.
    Object(BTreeMap<String, Self>),
}

impl Json {
    /// Bytes that are the same for the same value, and others for any other one. What `ignore` names
    /// is left out.
    #[must_use]
    pub fn normal(&self, ignore: &[Ignore]) -> Vec<u8> {
        let ignored: Vec<&[Step]> = ignore.iter().map(Ignore::steps).collect();
        let mut out = Vec::new();
        self.write(&ignored, &mut out);
        out
    }

    /// `ignored`: what is left of the paths that lead here.
    fn write(&self, ignored: &[&[Step]], out: &mut Vec<u8>) {
        match self {
            Self::Null => out.push(b'n'),
            Self::Flag(flag) => out.push(if *flag { b't' } else { b'f' }),
            Self::Whole(number) => out.extend(format!("i{number};").bytes()),
            Self::Number(number) => out.extend(format!("d{:016x}", number.to_bits()).bytes()),
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                out.push(b'[');
                for item in items {
                    write_part(item, None, ignored, out);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (name, value) in members {
                    write_part(value, Some(name), ignored, out);
                }
                out.push(b'}');
            }
        }
    }
}

/// Writes a member or an element, unless a path ends there.
fn write_part(part: &Json, name: Option<&str>, ignored: &[&[Step]], out: &mut Vec<u8>) {
    let mut within = Vec::new();
    for path in ignored {
        let Some((step, rest)) = path.split_first() else {
            continue;
        };
        let leads = match step {
            Step::Each => true,
            Step::Member(member) => name == Some(member),
        };
        if leads && rest.is_empty() {
            return;
        }
        if leads {
            within.push(rest);
        }
    }
    if let Some(name) = name {
        write_text(name, out);
    }
    part.write(&within, out);
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.extend(format!("s{}:", text.len()).bytes());
    out.extend(text.bytes());
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Whole(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Whole(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object = BTreeMap::new();
        while let Some((name, value)) = members.next_entry()? {
            object.insert(name, value);
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn normal(text: &str, ignore: &[&str]) -> Vec<u8> {
        let json: Json = serde_json::from_str(text).unwrap();
        let ignore: Vec<Ignore> = ignore.iter().map(|path| path.parse().unwrap()).collect();
        json.normal(&ignore)
    }

    #[test]
    fn order_and_white_space_do_not_count() {
        let one = normal(r#"{"a":[1,2.5,null],"b":{"c":"x","d":true}}"#, &[]);
        let other = normal(
            "{ \"b\": {\"d\": true, \"c\": \"\\u0078\"},\n \"a\": [1, 2.5, null] }",
            &[],
        );
        assert_eq!(one, other);
        for differs in [
            r#"{"a":[2.5,1,null],"b":{"c":"x","d":true}}"#,
            r#"{"a":[1,2.5],"b":{"c":"x","d":true}}"#,
            r#"{"a":[1,2.5,null],"b":{"c":"x","d":false}}"#,
            r#"{"a":[1,2.5,null],"b":{"c":"x","e":true}}"#,
            r#"{"a":[1,2.5,"n"],"b":{"c":"x","d":true}}"#,
        ] {
            assert_ne!(one, normal(differs, &[]), "{differs}");
        }
    }

    #[test]
    fn what_is_ignored_is_as_if_it_were_not_there() {
        let text = |time: u32, age: u32| {
            format!(r#"{{"time":{time},"items":[{{"id":1,"age":{age}}},{{"id":2}}],"n":7}}"#)
        };
        let ignore = ["$.time", "$.items[*].age"];
        assert_eq!(normal(&text(1, 2), &ignore), normal(&text(3, 4), &ignore));
        assert_ne!(
            normal(&text(1, 2), &ignore[..1]),
            normal(&text(1, 4), &ignore[..1])
        );
        let bare = r#"{"items":[{"id":1},{"id":2}],"n":7}"#;
        assert_eq!(normal(&text(1, 2), &ignore), normal(bare, &[]));
        // A path that ends further in leaves the rest.
        assert_ne!(normal(bare, &["$.items[*].id"]), normal(bare, &["$.items"]));
        assert_eq!(
            normal(r#"{"time":1}"#, &["$.time.zone"]),
            normal(r#"{"time":1}"#, &[])
        );
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e9f64..1e9).prop_map(Value::from),
            "[a-z:;\\[0-9]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ab:s1]{0,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn reversed(value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(reversed).collect(),
            Value::Object(members) => {
                let back = members.iter().rev();
                Value::Object(back.map(|(k, v)| (k.clone(), reversed(v))).collect())
            }
            other => other.clone(),
        }
    }

    proptest! {
        #[test]
        fn equal_values_and_only_these_have_one_normal_form(one in values(), other in values()) {
            let of = |value: &Value, pretty: bool| {
                let text = if pretty {
                    serde_json::to_string_pretty(value)
                } else {
                    serde_json::to_string(value)
                };
                normal(&text.unwrap(), &[])
            };
            prop_assert_eq!(of(&one, false), of(&reversed(&one), true));
            prop_assert_eq!(of(&one, false) == of(&other, false), one == other);
        }
    }
}
