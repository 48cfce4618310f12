//! For machines.

use serde_json::{Map, Value as Json, json as object};

use super::{Report, Table, Value};

/// All reports as one object; times in seconds, shares from 0 to 1, `null` for what never happens
/// or is not known.
pub(crate) fn json(reports: &[Report], seed: u64, revision: &str) -> Json {
    let scenarios: Vec<Json> = reports.iter().map(scenario).collect();
    object!({ "seed": seed, "revision": revision, "scenarios": scenarios })
}

fn rows(table: &Table) -> Json {
    let rows: Vec<Json> = table
        .rows
        .iter()
        .map(|row| {
            let mut fields = Map::new();
            fields.insert("name".to_owned(), object!(row.name));
            fields.insert("how".to_owned(), object!(row.how.shown()));
            for (column, cell) in table.columns.iter().zip(&row.cells) {
                fields.insert(column.title.to_owned(), value(cell));
            }
            Json::Object(fields)
        })
        .collect();
    object!({ "caption": table.caption, "rows": rows })
}

fn scenario(report: &Report) -> Json {
    let tables: Vec<Json> = report.tables.iter().map(rows).collect();
    let targets: Vec<Json> = report
        .targets
        .iter()
        .map(|target| object!({ "what": target.what, "seen": target.seen, "met": target.met }))
        .collect();
    object!({
        "name": report.name,
        "title": report.title,
        "setting": report.setting,
        "tables": tables,
        "targets": targets,
        "notes": report.notes,
    })
}

fn value(cell: &Value) -> Json {
    match cell {
        Value::Count(count) => object!(count),
        Value::Words(words) => object!(words),
        Value::Number(..) | Value::Share(_) | Value::Time(_) => object!(cell.as_f64()),
        Value::Never | Value::Nothing => Json::Null,
    }
}
