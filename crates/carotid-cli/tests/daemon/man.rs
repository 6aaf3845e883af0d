//! The manual pages.

use std::io::ErrorKind;
use std::process::Command;

use crate::ground::daemon::carotid;

#[test]
fn every_command_and_the_file_have_a_page_without_fault() {
    let folder = tempfile::tempdir().unwrap();
    let [first, fifth] = ["man1", "man5"].map(|section| folder.path().join(section));
    for section in [&first, &fifth] {
        std::fs::create_dir(section).unwrap();
    }
    let output = carotid().arg("man").arg(&first).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let written = String::from_utf8(output.stderr).unwrap();
    for page in [
        "carotid.1",
        "carotid-serve.1",
        "carotid-config-check.1",
        "carotid.toml.5",
    ] {
        assert!(written.contains(&format!("/{page}\n")), "{written}");
    }
    let settings = std::fs::read_to_string(fifth.join("carotid.toml.5")).unwrap();
    for word in [
        "max_sessions",
        "[mass_silence]",
        "releases_per_second",
        "min_alive",
    ] {
        assert!(settings.contains(word), "{word}: {settings}");
    }
    let mut mandoc = Command::new("mandoc");
    mandoc.args(["-T", "lint", "-W", "warning"]);
    match mandoc.args(written.lines()).output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.is_empty(), "{said}");
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("skipped: no mandoc; on Debian, apt-get install mandoc");
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn pages_are_the_same_on_any_day_for_those_who_say_which() {
    let page = || {
        let mut command = carotid();
        command.arg("man").env("SOURCE_DATE_EPOCH", "1700000000");
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(page().contains(".TH CAROTID 1 2023-11-14 "), "{}", page());
}
