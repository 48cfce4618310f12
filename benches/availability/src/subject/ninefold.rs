//! Ninefold: the smallest file. `node` only keeps it from the files of others on this machine.

use super::Setup;

pub(super) fn file(setup: &Setup) -> String {
    let endpoints = setup.lines(|_, replica| match replica.zone {
        Some(zone) => format!(
            "  {{ address = \"{}\", zone = \"{zone}\" }},\n",
            replica.address
        ),
        None => format!("  \"{}\",\n", replica.address),
    });
    let zoned = setup.replicas.iter().any(|replica| replica.zone.is_some());
    let cluster = if zoned {
        "[cluster]\nzones = [\"a\", \"b\", \"c\"]\n\n"
    } else {
        ""
    };
    format!(
        "{cluster}[node]\nadmin = \"off\"\nstate = \"{}\"\n\n\
         [service.app]\nendpoints = [\n{endpoints}]\n\n\
         [[listener]]\naddress = \"{}\"\n",
        setup.file("state"),
        setup.listen
    )
}
