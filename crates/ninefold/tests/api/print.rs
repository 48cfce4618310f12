//! The list.

use syn::{Fields, ImplItem, Item, ItemImpl, TraitItem, Type, Visibility};

use super::names::Names;
use super::text::{cfg, derives, mark, text};
use super::world::{Target, World, ident};

/// Everything that has a name, with what belongs to it.
pub(crate) fn all(world: &World, names: &Names) -> String {
    let mut list = String::new();
    let impls = Impls::of(world, names);
    for (place, (target, others)) in names.all() {
        let mark = mark(&place.cfg);
        let (head, mut lines) = match target {
            Target::Module(_) => ("mod".to_owned(), Vec::new()),
            Target::Item(module, name) => {
                let item = world
                    .items(module)
                    .iter()
                    .find(|item| ident(item).is_some_and(|ident| ident == *name));
                item.map_or_else(|| ("made by a macro".to_owned(), Vec::new()), describe)
            }
        };
        lines.extend(impls.of_target(target));
        let also = others.iter().map(|place| format!("also {}", place.path));
        list.push_str(&format!("{}: {head}{mark}\n", place.path));
        for line in also.chain(lines) {
            list.push_str(&format!("    {line}\n"));
        }
    }
    list.push_str(&macros(world));
    list
}

/// Whether a word stands in the list as a word, and not only as the end of a path.
pub(crate) fn mentions(list: &str, word: &str) -> bool {
    list.lines()
        .filter(|line| line.starts_with(' '))
        .any(|line| {
            line.split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|found| found == word)
        })
}

/// The kind and the shape of an item, and lines for its parts.
fn describe(item: &Item) -> (String, Vec<String>) {
    match item {
        Item::Struct(item) => {
            let mut lines = fields(&item.fields);
            lines.extend(derived(&item.attrs));
            (format!("struct{}", generics(&item.generics)), lines)
        }
        Item::Enum(item) => {
            let mut lines: Vec<String> = item.variants.iter().map(variant).collect();
            lines.extend(derived(&item.attrs));
            (format!("enum{}", generics(&item.generics)), lines)
        }
        Item::Trait(item) => {
            let bounds = text(&item.supertraits);
            let head = format!("trait{}: {bounds}", generics(&item.generics));
            let lines = item.items.iter().map(|part| match part {
                TraitItem::Fn(function) if function.default.is_some() => {
                    format!("{} {{ … }}", text(&function.sig))
                }
                TraitItem::Fn(function) => text(&function.sig),
                part => text(part).trim_end_matches(';').to_owned(),
            });
            (
                head.trim_end_matches([':', ' ']).to_owned(),
                lines.collect(),
            )
        }
        Item::Fn(item) => (text(&item.sig), Vec::new()),
        Item::Const(item) => (format!("const {}", text(&item.ty)), Vec::new()),
        Item::Type(item) => {
            let generics = generics(&item.generics);
            (format!("type{generics} = {}", text(&item.ty)), Vec::new())
        }
        item => (text(item), Vec::new()),
    }
}

fn variant(variant: &syn::Variant) -> String {
    let field = |field: &syn::Field| match &field.ident {
        Some(name) => format!("{name}: {}", text(&field.ty)),
        None => text(&field.ty),
    };
    let fields = variant
        .fields
        .iter()
        .map(field)
        .collect::<Vec<_>>()
        .join(", ");
    match &variant.fields {
        Fields::Named(_) => format!("{} {{ {fields} }}", variant.ident),
        Fields::Unnamed(_) => format!("{}({fields})", variant.ident),
        Fields::Unit => variant.ident.to_string(),
    }
}

fn generics(generics: &syn::Generics) -> String {
    let wheres = generics.where_clause.as_ref().map(text);
    let wheres = wheres.map(|text| format!(" {}", text.trim_end_matches(',')));
    let parameters = text(&generics.params);
    let parameters = parameters.trim_end_matches(',');
    match parameters {
        "" => wheres.unwrap_or_default(),
        parameters => format!("<{parameters}>{}", wheres.unwrap_or_default()),
    }
}

fn fields(fields: &Fields) -> Vec<String> {
    let public = fields.iter().enumerate();
    let public = public.filter(|(_, field)| matches!(field.vis, Visibility::Public(_)));
    let line = |(n, field): (usize, &syn::Field)| {
        let name = field
            .ident
            .as_ref()
            .map_or_else(|| n.to_string(), ToString::to_string);
        format!("{name}: {}", text(&field.ty))
    };
    public.map(line).collect()
}

fn derived(attributes: &[syn::Attribute]) -> Option<String> {
    let derived = derives(attributes);
    (!derived.is_empty()).then(|| format!("derives {}", derived.join(", ")))
}

/// What is implemented, by what it is implemented for.
struct Impls(Vec<(Target, String)>);

impl Impls {
    fn of(world: &World, names: &Names) -> Self {
        let mut lines = Vec::new();
        for (path, module) in world.modules() {
            for item in &module.items {
                let Item::Impl(item) = item else { continue };
                let target = subject(world, path, item).filter(|target| names.has(target));
                if let Some(target) = target {
                    let found = parts(item, &module.cfg).into_iter();
                    lines.extend(found.map(|line| (target.clone(), line)));
                }
            }
        }
        lines.sort();
        Self(lines)
    }

    fn of_target(&self, target: &Target) -> Vec<String> {
        let mine = self.0.iter().filter(|(of, _)| of == target);
        mine.map(|(_, line)| line.clone()).collect()
    }
}

/// Whom an `impl` belongs to: its type, or its trait if it is for all types or for a foreign one.
fn subject(world: &World, module: &str, item: &ItemImpl) -> Option<Target> {
    let found = |path: &syn::Path| {
        let path: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        world.resolve(module, &path)
    };
    let of_type = match &*item.self_ty {
        Type::Path(path) => found(&path.path),
        _ => None,
    };
    of_type.or_else(|| found(&item.trait_.as_ref()?.0))
}

fn parts(item: &ItemImpl, needs: &[String]) -> Vec<String> {
    let needs = [needs, &cfg(&item.attrs)].concat();
    let head = generics(&item.generics);
    let (parameters, wheres) = head.split_once(" where ").unwrap_or((&head, ""));
    let wheres = if wheres.is_empty() {
        String::new()
    } else {
        format!(" where {wheres}")
    };
    let subject = text(&item.self_ty);
    if let Some((of, _)) = &item.trait_ {
        let (of, mark) = (text(of), mark(&needs));
        return vec![format!("impl{parameters} {of} for {subject}{wheres}{mark}")];
    }
    let lines = item
        .items
        .iter()
        .filter_map(public_part)
        .map(|(line, own)| {
            let needs = [needs.clone(), own].concat();
            format!("impl{parameters} {subject}{wheres}: {line}{}", mark(&needs))
        });
    lines.collect()
}

/// A public part of an `impl`, and its `cfg`.
fn public_part(part: &ImplItem) -> Option<(String, Vec<String>)> {
    match part {
        ImplItem::Fn(function) if matches!(function.vis, Visibility::Public(_)) => {
            Some((text(&function.sig), cfg(&function.attrs)))
        }
        ImplItem::Const(item) if matches!(item.vis, Visibility::Public(_)) => {
            let line = format!("const {}: {}", item.ident, text(&item.ty));
            Some((line, cfg(&item.attrs)))
        }
        _ => None,
    }
}

/// The macros that make public items, and what they are given.
fn macros(world: &World) -> String {
    let mut list = String::new();
    let items = world
        .modules()
        .flat_map(|(path, module)| module.items.iter().map(move |item| (path, item)));
    let items: Vec<_> = items
        .filter_map(|(path, item)| match item {
            Item::Macro(item) => Some((path, item)),
            _ => None,
        })
        .collect();
    let public: Vec<_> = items
        .iter()
        .filter(|(_, item)| text(&item.mac).contains("pub "))
        .filter_map(|(_, item)| item.ident.as_ref())
        .collect();
    for (path, item) in &items {
        let called = item.mac.path.get_ident();
        let name = item.ident.as_ref().or(called);
        if name.is_some_and(|name| public.contains(&name)) {
            let name = item
                .ident
                .as_ref()
                .map_or(String::new(), |name| format!(" {name}"));
            list.push_str(&format!(
                "\nmacro in {path}:{name}\n    {}\n",
                text(&item.mac)
            ));
        }
    }
    list
}
