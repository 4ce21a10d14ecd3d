//! The registry's file: TOML, read and checked. Pure: paths in it are not looked at.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::claims::ForeignClaim;
use super::version::Version;
use super::{ForeignMechanism, RegisteredSubject, Start};
use crate::footprint::Footprint;
use crate::harness::cell::NATIVE;
use crate::mechanism::{Event, Mechanism, Phase};
use crate::protocol::FAMILIES;

/// A subject, as it stands in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Row {
    like: Option<String>,
    summary: Option<String>,
    script: Option<String>,
    interpreters: Option<Vec<String>>,
    arguments: Option<Vec<String>>,
    version_arguments: Option<Vec<String>>,
    least: Option<String>,
    command: Option<Vec<String>>,
    remedy: Option<String>,
    mechanisms: Option<Vec<MechanismRow>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct MechanismRow {
    name: String,
    summary: String,
    phases: Vec<String>,
    #[serde(default)]
    footprints: Vec<String>,
    #[serde(default)]
    claims: Vec<ClaimRow>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ClaimRow {
    since: Option<String>,
    root: Option<bool>,
    event: String,
    by: Option<String>,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    exec: bool,
    #[serde(default)]
    beside: Vec<String>,
    native: Option<String>,
    varies: Option<String>,
}

/// Reads the subjects of a file. `known` are those that its subjects may be `like`.
///
/// # Errors
/// What is wrong, with the subject and the mechanism in which it stands.
pub(super) fn parse(
    text: &str,
    known: &[RegisteredSubject],
) -> Result<Vec<RegisteredSubject>, String> {
    let rows: BTreeMap<String, Row> = basic_toml::from_str(text).map_err(|e| e.to_string())?;
    let mut subjects = Vec::new();
    for (name, row) in rows {
        let read = subject(&name, row, known);
        subjects.push(read.map_err(|wrong| format!("[{name}] {wrong}"))?);
    }
    Ok(subjects)
}

fn subject(name: &str, row: Row, known: &[RegisteredSubject]) -> Result<RegisteredSubject, String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let taken = name == NATIVE || FAMILIES.contains(&name);
    if name.is_empty() || taken || !name.chars().all(is_word) {
        return Err(format!(
            "a subject has a name of letters, digits, - and _, and another than `{NATIVE}` and `{}`",
            FAMILIES.join("` and `")
        ));
    }
    let like = match &row.like {
        None => None,
        Some(like) => {
            let found = known.iter().find(|subject| subject.name == *like);
            Some(found.ok_or_else(|| format!("like = \"{like}\": no such subject"))?)
        }
    };
    let least = match &row.least {
        Some(text) => Some(text.parse().map_err(|e| format!("least: {e}"))?),
        None => like.and_then(|like| like.least.clone()),
    };
    let mechanisms = match &row.mechanisms {
        Some(rows) => mechanisms(rows)?,
        None => like.map(|like| like.mechanisms.clone()).unwrap_or_default(),
    };
    if mechanisms.is_empty() {
        return Err(format!("no mechanisms; write [[{name}.mechanisms]]"));
    }
    Ok(RegisteredSubject {
        name: name.to_owned(),
        start: start(&row, like)?,
        summary: said(row.summary, like, |like| &like.summary),
        least,
        remedy: said(row.remedy, like, |like| &like.remedy),
        mechanisms,
    })
}

fn said(
    text: Option<String>,
    like: Option<&RegisteredSubject>,
    field: fn(&RegisteredSubject) -> &String,
) -> String {
    text.unwrap_or_else(|| like.map(field).cloned().unwrap_or_default())
}

fn start(row: &Row, like: Option<&RegisteredSubject>) -> Result<Start, String> {
    if let Some(words) = &row.command {
        if row.script.is_some() || row.interpreters.is_some() {
            return Err("a command stands alone: leave script and interpreters out".to_owned());
        }
        let (program, arguments) = words.split_first().ok_or("command names no program")?;
        return Ok(Start::Command {
            program: program.clone(),
            arguments: arguments.to_vec(),
        });
    }
    let before = match like.map(|like| &like.start) {
        Some(Start::Script {
            script,
            interpreters,
            arguments,
            version_arguments,
        }) => Some((script, interpreters, arguments, version_arguments)),
        _ => None,
    };
    let script = match &row.script {
        Some(name) => super::Script::Named(name.clone()),
        None => before
            .map(|before| before.0.clone())
            .ok_or("neither script nor command; say how it is started")?,
    };
    let words = |said: &Option<Vec<String>>, before: Option<&Vec<String>>| {
        said.clone().or_else(|| before.cloned()).unwrap_or_default()
    };
    let interpreters = words(&row.interpreters, before.map(|before| before.1));
    if interpreters.is_empty() {
        return Err("a script needs interpreters, as in interpreters = [\"python3\"]".to_owned());
    }
    Ok(Start::Script {
        script,
        interpreters,
        arguments: words(&row.arguments, before.map(|before| before.2)),
        version_arguments: words(&row.version_arguments, before.map(|before| before.3)),
    })
}

fn mechanisms(rows: &[MechanismRow]) -> Result<Vec<ForeignMechanism>, String> {
    let mut mechanisms: Vec<ForeignMechanism> = Vec::new();
    for row in rows {
        let name = &row.name;
        let read = mechanism(row).map_err(|wrong| format!("mechanism `{name}`: {wrong}"))?;
        if mechanisms.iter().any(|other| other.name == *name) {
            return Err(format!("mechanism `{name}` stands twice"));
        }
        mechanisms.push(read);
    }
    Ok(mechanisms)
}

fn mechanism(row: &MechanismRow) -> Result<ForeignMechanism, String> {
    let is_mark = |c: char| c.is_whitespace() || c.is_control() || "/:@*?,\"'<>&`|".contains(c);
    if row.name.is_empty() || row.name.contains(is_mark) {
        return Err("a name has no blanks, quotes, / : @ * ? , < > & or |".to_owned());
    }
    let phases: Vec<Phase> = row
        .phases
        .iter()
        .map(|word| match Phase::from_name(word) {
            Some(phase) if Phase::LIFE.contains(&phase) => Ok(phase),
            _ => Err(format!("`{word}` is no phase: call, start, exec or reap")),
        })
        .collect::<Result<_, String>>()?;
    if !phases.contains(&Phase::Call) {
        return Err("every mechanism has a `call`".to_owned());
    }
    let footprints = row.footprints.iter().map(|name| name.parse());
    let mut footprints: Vec<Footprint> = footprints
        .collect::<Result<_, _>>()
        .map_err(|error: crate::footprint::FootprintError| error.to_string())?;
    if footprints.is_empty() {
        footprints.push(Footprint::default());
    }
    let claims = row
        .claims
        .iter()
        .map(claim)
        .collect::<Result<_, String>>()?;
    Ok(ForeignMechanism {
        name: row.name.clone(),
        summary: row.summary.clone(),
        phases,
        footprints,
        claims,
    })
}

fn claim(row: &ClaimRow) -> Result<ForeignClaim, String> {
    if let Some(native) = &row.native {
        if Mechanism::named(native).is_none_or(Mechanism::writes) {
            return Err(format!("native = \"{native}\" is no way to start a child"));
        }
    }
    let beside = row.beside.iter().map(|word| event(word));
    let since: Option<Version> = match &row.since {
        Some(text) => Some(text.parse().map_err(|e| format!("since: {e}"))?),
        None => None,
    };
    let by_server = match row.by.as_deref() {
        None | Some("subject") => false,
        Some("server") => true,
        Some(other) => return Err(format!("by = \"{other}\": subject or server")),
    };
    Ok(ForeignClaim {
        since,
        root: row.root,
        event: event(&row.event)?,
        by_server,
        flags: row.flags.clone(),
        without: row.without.clone(),
        exec: row.exec,
        beside: beside.collect::<Result<_, String>>()?,
        native: row.native.clone(),
        varies: row.varies.clone(),
    })
}

fn event(word: &str) -> Result<Event, String> {
    let events = [Event::None, Event::Fork, Event::Vfork, Event::Clone];
    let mut named = events.into_iter();
    named
        .find(|event| event.name().eq_ignore_ascii_case(word))
        .ok_or_else(|| format!("event = \"{word}\": none, fork, vfork or clone"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINE: &str = r#"
        [mine]
        summary = "a subject"
        command = ["./mine", "--serve"]
        remedy = "build it"
        [[mine.mechanisms]]
        name = "start"
        summary = "starts one"
        phases = ["call", "reap"]
        footprints = ["0", "1GiB+thp"]
        claims = [{ since = "2.1", event = "vfork", exec = true }, { event = "fork", native = "fork" }]
    "#;

    #[test]
    fn a_subject_is_read_whole() {
        let [mine] = parse(MINE, &[]).unwrap().try_into().unwrap();
        assert_eq!(
            (mine.name.as_str(), mine.remedy.as_str()),
            ("mine", "build it")
        );
        let start = &mine.mechanisms[0];
        assert_eq!(start.phases, [Phase::Call, Phase::Reap]);
        assert_eq!(start.footprints[1].to_string(), "1GiB+thp");
        let event = |version: Option<&str>| {
            let version = version.map(|text| text.parse().unwrap());
            start.claim(version.as_ref()).unwrap().event
        };
        assert_eq!(event(Some("2.1.0")), Event::Vfork);
        assert_eq!(event(Some("2.0.9")), Event::Fork);
        assert_eq!(event(None), Event::Vfork);
        // Another that differs in its command alone.
        let other = "[other]\nlike = \"mine\"\ncommand = [\"./other\"]";
        let [other] = parse(other, std::slice::from_ref(&mine))
            .unwrap()
            .try_into()
            .unwrap();
        assert_eq!(other.mechanisms, mine.mechanisms);
        assert!(matches!(other.start, Start::Command { program, .. } if program == "./other"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let with = |from: &str, to: &str| parse(&MINE.replace(from, to), &[]).unwrap_err();
        for (from, to, said) in [
            ("command =", "comand =", "comand"),
            (
                "\"./mine\", \"--serve\"",
                "",
                "[mine] command names no program",
            ),
            ("\"start\"", "\"st art\"", "`st art`: a name has no blanks"),
            (
                "\"call\", \"reap\"",
                "\"reap\"",
                "every mechanism has a `call`",
            ),
            (
                "\"call\", \"reap\"",
                "\"call\", \"first-pass\"",
                "`first-pass` is no phase",
            ),
            (
                "native = \"fork\"",
                "native = \"frok\"",
                "native = \"frok\"",
            ),
            ("1GiB+thp", "1GiB+thq", "`thq` is no part of a footprint"),
            ("\"vfork\"", "\"spoon\"", "event = \"spoon\""),
            ("2.1", "2.x", "`2.x` is no version"),
            ("[mine]", "[native]\n[mine]", "[native]"),
        ] {
            let wrong = with(from, to);
            assert!(wrong.contains(said), "{wrong}");
        }
        let twice = MINE.to_owned() + &MINE[MINE.find("[[").unwrap()..];
        assert!(parse(&twice, &[]).unwrap_err().contains("stands twice"));
        assert!(
            parse("[x]\nlike = \"y\"", &[])
                .unwrap_err()
                .contains("no such subject")
        );
        assert!(parse("[x]", &[]).is_err() && parse("x = 1", &[]).is_err());
    }
}
