//! Checks tables and values against the grammar.

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::meant::meant;
use super::nearest;
use super::unit::{self, Refused};
use super::value::{integer, shown, type_name};
use crate::finding::{Draft, KeyPath, Report};
use crate::grammar::{Key, Rule, Shape, Table};
use crate::text::Syntax;

/// Walks a file along the grammar. Its depth is that of the grammar, whatever the file.
#[derive(Debug)]
pub(crate) struct Walker<'r, 'a, 'i> {
    report: &'r mut Report<'a, 'i>,
}

impl<'r, 'a, 'i> Walker<'r, 'a, 'i> {
    /// Reports to `report`.
    pub(crate) const fn new(report: &'r mut Report<'a, 'i>) -> Self {
        Self { report }
    }

    /// Checks one table.
    pub(crate) fn table(&mut self, grammar: &Table, table: &DeTable<'_>, path: &KeyPath) {
        for (name, value) in table {
            let name = name.get_ref().as_ref();
            let at = path.key(name);
            match grammar.key(name) {
                None => self.unknown_key(grammar, name, &at),
                Some(key) => {
                    self.needs(grammar, key, table, &at);
                    self.value(&key.shape, value, &at);
                }
            }
        }
        for key in grammar.keys.iter().filter(|key| key.required) {
            if !table.contains_key(key.name) {
                self.missing(grammar, key, path);
            }
        }
        self.rule(grammar, table, path);
    }

    fn unknown_key(&mut self, grammar: &Table, name: &str, at: &KeyPath) {
        let title = grammar.title;
        let allowed = format!("{title} has {}", grammar.key_names());
        let draft = if grammar.later.contains(&name) {
            Draft::error(
                "unknown-key",
                at,
                format!("`{name}` is not in this version of Ninefold"),
            )
            .help(allowed)
        } else {
            let names = grammar.keys.iter().map(|key| key.name);
            let help = match nearest(name, names) {
                Some(near) => format!("did you mean `{near}`? {allowed}"),
                None => allowed,
            };
            Draft::error("unknown-key", at, format!("{title} has no key `{name}`")).help(help)
        };
        self.report.shape(draft.at_key().value(name));
    }

    fn needs(&mut self, grammar: &Table, key: &Key, table: &DeTable<'_>, at: &KeyPath) {
        let Some(other) = key.needs.filter(|other| !table.contains_key(*other)) else {
            return;
        };
        self.report.shape(
            Draft::error(
                "not-applicable",
                at,
                format!(
                    "`{}` needs `{other}`: without it, {} runs elsewhere",
                    key.name, grammar.title
                ),
            )
            .at_key()
            .help(format!("remove `{}`, or write `{other}`", key.name)),
        );
    }

    fn missing(&mut self, grammar: &Table, key: &Key, path: &KeyPath) {
        self.report.shape(
            Draft::error(
                "missing-key",
                &path.key(key.name),
                format!("{} needs `{}`", grammar.title, key.name),
            )
            .at_key()
            .help(format!("`{}` is {}", key.name, key.shape.expected())),
        );
    }

    fn rule(&mut self, grammar: &Table, table: &DeTable<'_>, path: &KeyPath) {
        let (keys, exactly) = match grammar.rule {
            None => return,
            Some(Rule::ExactlyOne(keys)) => (keys, true),
            Some(Rule::AtLeastOne(keys)) => (keys, false),
        };
        let mut present = keys.iter().filter(|key| table.contains_key(**key));
        let names = keys
            .iter()
            .map(|key| format!("`{key}`"))
            .collect::<Vec<_>>()
            .join(", ");
        let (title, help) = (grammar.title, || {
            format!(
                "write {} of {names}",
                if exactly {
                    "exactly one"
                } else {
                    "at least one"
                }
            )
        });
        match (present.next(), present.next()) {
            (None, _) => {
                let first = keys.first().copied().unwrap_or_default();
                self.report.shape(
                    Draft::error(
                        "missing-key",
                        &path.key(first),
                        format!("{title} has none of {names}"),
                    )
                    .at_key()
                    .help(help()),
                );
            }
            (Some(one), Some(other)) if exactly => self.report.shape(
                Draft::error(
                    "conflicting-keys",
                    &path.key(other),
                    format!("{title} has `{one}` and `{other}`, which exclude each other"),
                )
                .at_key()
                .help(help()),
            ),
            _ => {}
        }
    }

    fn value(&mut self, shape: &Shape, value: &Spanned<DeValue<'_>>, at: &KeyPath) {
        let whole = shape;
        let value = value.get_ref();
        let shape = match shape {
            Shape::Either(shapes) => shapes
                .iter()
                .find(|s| s.types().contains(&value.type_str()))
                .unwrap_or(shape),
            other => other,
        };
        match (shape, value) {
            (Shape::Table(grammar), DeValue::Table(table)) => self.table(grammar, table, at),
            (Shape::Map { key, item, max }, DeValue::Table(table)) => {
                self.count(table.len(), 0, *max, at);
                self.map(*key, item, table, at);
            }
            (Shape::List { item, min, max }, DeValue::Array(array)) => {
                self.count(array.len(), *min, *max, at);
                self.list(item, array, at);
            }
            (Shape::Integer { min, max }, DeValue::Integer(_)) => {
                if !integer(value).is_some_and(|n| (i64::from(*min)..=i64::from(*max)).contains(&n))
                {
                    let written = shown(value);
                    self.report.shape(
                        Draft::error(
                            "out-of-range",
                            at,
                            format!("{written} is out of range: from {min} to {max}"),
                        )
                        .value(written),
                    );
                }
            }
            (Shape::Flag, DeValue::Boolean(_))
            | (Shape::True, DeValue::Boolean(true))
            | (Shape::Off, DeValue::Boolean(false)) => {}
            (_, DeValue::String(text)) if shape.types().contains(&"string") => {
                self.text(shape, whole, text, at);
            }
            _ => self.wrong_type(whole, value, at),
        }
    }

    fn wrong_type(&mut self, shape: &Shape, value: &DeValue<'_>, at: &KeyPath) {
        let written = shown(value);
        let number = matches!(value, DeValue::Integer(_) | DeValue::Float(_));
        let draft = match unit::with_unit(shape, &written) {
            Some(help) if number => {
                Draft::error("missing-unit", at, format!("{written} has no unit")).help(help)
            }
            _ => Draft::error(
                "wrong-type",
                at,
                format!(
                    "{} is {}, expected {}",
                    if matches!(value, DeValue::Array(_) | DeValue::Table(_)) {
                        "this"
                    } else {
                        &written
                    },
                    type_name(value),
                    shape.expected()
                ),
            ),
        };
        let draft = match meant(shape, value, at) {
            Some(meant) if !number => draft.help(format!("write {meant}")),
            _ => draft,
        };
        self.report.shape(draft.value(written));
    }

    fn text(&mut self, shape: &Shape, whole: &Shape, text: &str, at: &KeyPath) {
        let refused = match shape {
            Shape::Text(syntax) => syntax.check(text).map_err(|message| Refused {
                code: "invalid-value",
                message,
            }),
            Shape::Choice(choices) if choices.contains(&text) => Ok(()),
            Shape::Off if text == "off" => Ok(()),
            Shape::Choice(choices) => {
                let near = nearest(text, choices.iter().copied())
                    .map(|near| format!("; did you mean \"{near}\"?"))
                    .unwrap_or_default();
                Err(Refused {
                    code: "invalid-value",
                    message: format!("`{text}` is not {}{near}", whole.expected()),
                })
            }
            Shape::Off => Err(Refused {
                code: "invalid-value",
                message: format!("`{text}` is not {}", whole.expected()),
            }),
            shape => unit::check(shape, text),
        };
        if let Err(Refused { code, message }) = refused {
            self.report
                .shape(Draft::error(code, at, message).value(text));
        }
    }

    fn count(&mut self, count: usize, min: usize, max: usize, at: &KeyPath) {
        let message = if count < min {
            format!("it has {count} elements: at least {min} must be there")
        } else if count > max {
            self.report.set_oversized();
            format!("it has {count} elements: at most {max} are allowed")
        } else {
            return;
        };
        self.report
            .shape(Draft::error("out-of-range", at, message).value(count));
    }

    fn map(&mut self, syntax: Syntax, item: &Shape, table: &DeTable<'_>, path: &KeyPath) {
        for (name, value) in table {
            let name = name.get_ref().as_ref();
            let at = path.key(name);
            if let Err(message) = syntax.check(name) {
                self.report.shape(
                    Draft::error("invalid-name", &at, message)
                        .at_key()
                        .value(name),
                );
            }
            self.value(item, value, &at);
        }
    }

    fn list(&mut self, item: &Shape, array: &DeArray<'_>, path: &KeyPath) {
        for (index, value) in array.iter().enumerate() {
            self.value(item, value, &path.index(index));
        }
    }
}
