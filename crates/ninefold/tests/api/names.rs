//! The names under which users find things.

use std::collections::{BTreeMap, BTreeSet};

use syn::Item;

use super::text::cfg;
use super::world::{Target, World, ident, imports, is_public};

/// A public path, and what it needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    depth: usize,
    pub(crate) path: String,
    pub(crate) cfg: Vec<String>,
}

/// What users can name, each with its names, the shortest first.
#[derive(Debug, Default)]
pub(crate) struct Names {
    places: BTreeMap<Target, BTreeSet<Place>>,
}

impl Names {
    pub(crate) fn of(world: &World) -> Self {
        let mut names = Self::default();
        let root = Target::Module("ninefold".to_owned());
        names.add(world, root, "ninefold", &[]);
        names
    }

    fn add(&mut self, world: &World, target: Target, path: &str, cfgs: &[String]) {
        let place = Place {
            depth: path.matches("::").count(),
            path: path.to_owned(),
            cfg: cfgs.to_vec(),
        };
        if !self.places.entry(target.clone()).or_default().insert(place) {
            return;
        }
        let Target::Module(module) = target else {
            return;
        };
        for item in world.items(&module).iter().filter(|item| is_public(item)) {
            let cfgs = [cfgs, &cfg(attributes(item))].concat();
            match item {
                Item::Use(_) => {
                    for import in imports(item) {
                        assert_ne!(import.name, "*", "{module}: hand things on by name");
                        let handed_on = world.resolve(&module, &import.path);
                        let path = format!("{path}::{}", import.name);
                        match handed_on {
                            Some(target) => self.add(world, target, &path, &cfgs),
                            None => panic!("{module}: where is {}?", import.path.join("::")),
                        }
                    }
                }
                Item::Mod(child) => {
                    let target = Target::Module(format!("{module}::{}", child.ident));
                    self.add(world, target, &format!("{path}::{}", child.ident), &cfgs);
                }
                _ => {
                    let name = ident(item).unwrap_or_default();
                    let target = Target::Item(module.clone(), name.clone());
                    self.add(world, target, &format!("{path}::{name}"), &cfgs);
                }
            }
        }
    }

    /// All of them by their shortest name.
    pub(crate) fn all(&self) -> BTreeMap<&Place, (&Target, Vec<&Place>)> {
        let named = self.places.iter().filter_map(|(target, places)| {
            let mut places = places.iter();
            Some((places.next()?, (target, places.collect())))
        });
        named.collect()
    }

    pub(crate) fn has(&self, target: &Target) -> bool {
        self.places.contains_key(target)
    }

    pub(crate) fn has_ident(&self, name: &str) -> bool {
        let mut targets = self.places.keys();
        targets.any(|target| matches!(target, Target::Item(_, ident) if ident == name))
    }
}

fn attributes(item: &Item) -> &[syn::Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
