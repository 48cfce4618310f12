//! How Ninefold's resilience policies and their peers behave: seven questions, answered by
//! simulation on virtual time. Run by `cargo xtask bench behaviour`.

mod breakers;
mod clients;
mod gates;
mod options;
mod pending;
mod report;
mod scenarios;
mod sim;
mod svg;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use options::{Options, USAGE};
use report::{Report, json, markdown, text};

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("error: {why}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::from(1)
        }
    }
}

/// Whether all targets were met.
fn run(options: &Options) -> io::Result<bool> {
    let mut reports = Vec::new();
    for scenario in &options.scenarios {
        let report = (scenario.run)(options.seed);
        if !options.json {
            writeln!(io::stdout(), "{}", text(&report))?;
        }
        reports.push(report);
    }
    if options.json {
        let all = json(&reports, options.seed, &options.revision);
        writeln!(io::stdout(), "{all:#}")?;
    }
    if let Some(folder) = &options.save {
        save(Path::new(folder), &reports, options)?;
    }
    let mut targets = reports.iter().flat_map(|report| &report.targets);
    Ok(targets.all(|target| target.met))
}

fn save(folder: &Path, reports: &[Report], options: &Options) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for report in reports {
        let file = folder.join(format!("{}.svg", report.name));
        fs::write(file, report.plot.draw(report.title))?;
    }
    let page = markdown(reports, options.seed, &options.revision);
    fs::write(folder.join("README.md"), page)
}
