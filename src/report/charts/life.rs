//! One child's life on two lanes: what the parent does, what the child does, and when.

use super::{Draw, Figure, Form, Frame, Numbers, figure};
use crate::mechanism::Spent;
use crate::recording::{Life, Run};
use crate::report::ReportError;
use crate::report::palette::{AXIS, GRID, Ink, MUTED, PAPER, TEXT, look_of};
use crate::report::pen::{Anchor, Pen, fitted, text_width};
use crate::report::reading::{grouped, plain, short};
use crate::report::scale::{LinearScale, spread_out, tick_name};
use crate::units::{human_size, human_time};

/// More lives than this are not drawn.
const MOST_LIVES: usize = 24;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Parent,
    Child,
}

struct Event {
    ns: u64,
    /// What the call returned at this moment.
    returned: Option<i64>,
    lane: Lane,
    what: String,
}

struct Span {
    lane: Lane,
    from: u64,
    to: u64,
    what: &'static str,
    strength: f64,
}

struct Chart<'a> {
    life: &'a Life,
    ink: Ink,
    end: u64,
    events: Vec<Event>,
    spans: Vec<Span>,
}

/// A figure for each life, in the run's order.
pub(super) fn figures(run: &Run) -> Result<Vec<Figure>, ReportError> {
    let lives = run.lives.iter().take(MOST_LIVES).enumerate();
    lives
        .map(|(index, life)| {
            let chart = Chart::of(life);
            let frame = Frame {
                name: format!("life-{}", index + 1),
                title: short(&life.cell, 80),
                caption: caption(life),
                numbers: chart.numbers(),
            };
            figure(frame, &chart, false)
        })
        .collect()
}

/// What happened, for someone who has never called fork.
fn caption(life: &Life) -> String {
    let name = plain(&life.mechanism);
    let call = life.system_call.as_deref().map(plain);
    let made = call.map_or(String::new(), |call| {
        format!(" The system call was {call}.")
    });
    let text = match life.returned_in_child {
        Some(value) => format!(
            "{name} was called once, by process {}, and returned twice: {} in the parent, {value} in the \
             child. That is how each knows which of the two it is.{made}",
            life.parent_pid, life.returned_in_parent
        ),
        None if life.mechanism == "null" => "Nothing is started: this is the floor.".to_owned(),
        None => format!(
            "{name} was called once, by process {}, and returned once, in the parent: {}. The child \
             begins somewhere else.{made}",
            life.parent_pid, life.returned_in_parent
        ),
    };
    format!("{text} {}", accounts(life))
}

/// What the scheduler counted.
fn accounts(life: &Life) -> String {
    let lived = life
        .moments
        .end
        .or(life.moments.ended)
        .unwrap_or(life.moments.reap);
    let mut parts = Vec::new();
    if let Some(ran) = life.ran_ns {
        parts.push(format!("ran for {}", human_time(ran)));
        if let Some(waited) = life.waited_ns {
            parts.push(format!(
                "was ready, waiting for a CPU, for {}",
                human_time(waited)
            ));
            let first = life.moments.start.unwrap_or(0);
            let blocked = lived
                .saturating_sub(first)
                .saturating_sub(ran.saturating_add(waited));
            parts.push(format!("was blocked for {}", human_time(blocked)));
        }
    }
    let faults = life
        .minor_faults
        .map(|faults| format!("took {faults} minor page faults"));
    parts.extend(faults);
    let given = life.copied_tables.filter(|&bytes| bytes > 0);
    parts.extend(given.map(|bytes| format!("was given {} of page tables", human_size(bytes))));
    let mut text = match parts.is_empty() {
        true => String::new(),
        false => format!("The child {}.", parts.join(", ")),
    };
    if let Some((call, reap)) = life.parent_call.zip(life.parent_reap) {
        text.push_str(&format!(
            " The parent took {} page faults in the call and {} in all, and had {} voluntary and {} \
             involuntary switches.",
            faults_of(&call),
            faults_of(&reap),
            grouped(reap.voluntary_switches),
            grouped(reap.involuntary_switches)
        ));
    }
    text
}

fn faults_of(spent: &Spent) -> String {
    grouped(spent.minor_faults.saturating_add(spent.major_faults))
}

impl<'a> Chart<'a> {
    fn of(life: &'a Life) -> Self {
        let moments = &life.moments;
        let seen = [moments.start, moments.exec, moments.end, moments.ended];
        let end = seen
            .into_iter()
            .flatten()
            .chain([moments.call, moments.reap])
            .max()
            .unwrap_or(1);
        Self {
            life,
            ink: look_of(&life.mechanism).ink,
            end: end.max(1),
            events: events(life),
            spans: spans(life),
        }
    }

    fn numbers(&self) -> Numbers {
        let mut numbers = Numbers::headed(["", "after the call began", "where", "what"]);
        for (index, event) in self.events.iter().enumerate() {
            let lane = match event.lane {
                Lane::Parent => "parent",
                Lane::Child => "child",
            };
            numbers.rows.push(vec![
                (index + 1).to_string(),
                human_time(event.ns),
                lane.to_owned(),
                event.what.clone(),
            ]);
        }
        numbers
    }

    fn edges(form: Form) -> (f64, f64) {
        match form {
            Form::Wide => (124.0, 940.0),
            Form::Narrow => (8.0, 330.0),
        }
    }

    fn lane_middle(form: Form, lane: Lane) -> f64 {
        match (form, lane) {
            (Form::Wide, Lane::Parent) => 62.0,
            (Form::Wide, Lane::Child) => 138.0,
            (Form::Narrow, Lane::Parent) => 78.0,
            (Form::Narrow, Lane::Child) => 178.0,
        }
    }

    fn bottom(form: Form) -> f64 {
        Self::lane_middle(form, Lane::Child) + 26.0
    }

    fn draw_lane(&self, pen: &mut Pen, form: Form, lane: Lane, scale: &LinearScale) {
        let middle = Self::lane_middle(form, lane);
        let (name, pid) = match lane {
            Lane::Parent => ("parent", Some(self.life.parent_pid)),
            Lane::Child => ("child", self.life.child_pid),
        };
        let pid = pid.map_or("no pid seen".to_owned(), |pid| format!("pid {pid}"));
        match form {
            Form::Wide => {
                pen.bold((8.0, middle - 8.0), name, 14.0, TEXT, Anchor::Start);
                pen.text((8.0, middle + 10.0), &pid, 12.5, MUTED, Anchor::Start);
            }
            Form::Narrow => {
                pen.bold((8.0, middle - 48.0), name, 14.0, TEXT, Anchor::Start);
                pen.text((66.0, middle - 48.0), &pid, 12.5, MUTED, Anchor::Start);
            }
        }
        for span in self.spans.iter().filter(|span| span.lane == lane) {
            let (x0, x1) = (scale.at(span.from as f64), scale.at(span.to as f64));
            let (top, bottom) = (middle - 14.0, middle + 14.0);
            pen.rect((x0, top), (x1, bottom), PAPER, 1.0);
            pen.rect((x0, top), (x1, bottom), self.ink, span.strength);
            let ink = if span.strength > 0.9 { PAPER } else { TEXT };
            if text_width(span.what, 12.0) + 8.0 <= x1 - x0 {
                pen.text(
                    ((x0 + x1) / 2.0, middle),
                    span.what,
                    12.0,
                    ink,
                    Anchor::Middle,
                );
            }
        }
        self.draw_numbers(pen, form, lane, scale);
    }

    fn draw_numbers(&self, pen: &mut Pen, form: Form, lane: Lane, scale: &LinearScale) {
        let (left, right) = Self::edges(form);
        let middle = Self::lane_middle(form, lane);
        let here = self
            .events
            .iter()
            .enumerate()
            .filter(|(_, event)| event.lane == lane);
        let (numbers, wanted): (Vec<usize>, Vec<f64>) = here
            .map(|(index, event)| (index + 1, scale.at(event.ns as f64)))
            .unzip();
        let places = spread_out(&wanted, 21.0, left + 4.0, right - 4.0);
        for (index, (&number, &at)) in numbers.iter().zip(&wanted).enumerate() {
            let (place, top) = (places[index], middle - 30.0);
            let stem = [(at, middle + 14.0), (at, middle - 17.0), (place, top + 8.0)];
            pen.line(&stem, TEXT, 1.0);
            pen.number((place, top), number, TEXT);
            // What the call returned here is the point of it all: said at the place itself.
            let said = self.events[number - 1]
                .returned
                .map(|value| format!("returns {value}"));
            let next = places.get(index + 1).map_or(right, |next| next - 12.0);
            if let Some(said) = said.filter(|said| place + 14.0 + text_width(said, 12.5) < next) {
                pen.bold((place + 13.0, top), &said, 12.5, TEXT, Anchor::Start);
            }
        }
    }

    fn draw_list(&self, pen: &mut Pen, form: Form) {
        let mut y = Self::bottom(form) + 44.0;
        for (index, event) in self.events.iter().enumerate() {
            let (x, width) = match form {
                Form::Wide => (124.0, 940.0),
                Form::Narrow => (10.0, 336.0),
            };
            pen.number((x + 8.0, y), index + 1, TEXT);
            let time = human_time(event.ns);
            pen.text((x + 92.0, y), &time, 12.5, MUTED, Anchor::End);
            let what = fitted(&event.what, 12.5, width - x - 104.0);
            pen.text((x + 104.0, y), &what, 12.5, TEXT, Anchor::Start);
            y += 22.0;
        }
    }
}

fn events(life: &Life) -> Vec<Event> {
    let name = short(&life.mechanism, 24);
    let moments = &life.moments;
    let mut events = Vec::new();
    let mut add = |ns: Option<u64>, lane: Lane, returned: Option<i64>, what: String| {
        events.extend(ns.map(|ns| Event {
            ns,
            returned,
            lane,
            what,
        }));
    };
    add(Some(0), Lane::Parent, None, format!("parent calls {name}"));
    let first = match life.returned_in_child {
        Some(value) => format!("child runs: {name} returns {value}"),
        None => "child runs its first code".to_owned(),
    };
    add(moments.start, Lane::Child, life.returned_in_child, first);
    let back = format!("{name} returns {} to the parent", life.returned_in_parent);
    add(
        Some(moments.call),
        Lane::Parent,
        Some(life.returned_in_parent),
        back,
    );
    add(
        moments.exec,
        Lane::Child,
        None,
        "new program begins".to_owned(),
    );
    let status = life
        .exit_status
        .map_or(String::new(), |status| format!(", status {status}"));
    add(
        moments.end,
        Lane::Child,
        None,
        format!("child ends itself{status}"),
    );
    add(
        moments.ended,
        Lane::Parent,
        None,
        "parent learns of the end".to_owned(),
    );
    add(
        Some(moments.reap),
        Lane::Parent,
        None,
        "reaped: nothing is left".to_owned(),
    );
    events.sort_by_key(|event| event.ns);
    events
}

fn spans(life: &Life) -> Vec<Span> {
    let moments = &life.moments;
    let mut spans = Vec::new();
    let mut add = |lane: Lane, from: u64, to: u64, what: &'static str, strength: f64| {
        if from < to {
            spans.push(Span {
                lane,
                from,
                to,
                what,
                strength,
            });
        }
    };
    let ended = moments.ended.unwrap_or(moments.reap).max(moments.call);
    add(
        Lane::Parent,
        0,
        moments.call,
        "in the call: stands still",
        1.0,
    );
    add(
        Lane::Parent,
        moments.call,
        ended,
        "blocked: waits for the end",
        0.22,
    );
    add(Lane::Parent, ended, moments.reap, "reaps", 0.55);
    if life.mechanism == "null" {
        return spans;
    }
    // The child's own end is not seen where no code of ours runs in it.
    let over = moments.end.or(moments.ended).unwrap_or(moments.reap);
    let runs = moments.start.or(moments.exec).unwrap_or(over);
    add(Lane::Child, 0, runs, "created; no code of ours yet", 0.18);
    match moments.exec.filter(|&exec| exec > runs) {
        Some(exec) => {
            add(Lane::Child, runs, exec, "running", 1.0);
            add(Lane::Child, exec, over, "new program runs", 0.6);
        }
        None => add(Lane::Child, runs, over, "running", 1.0),
    }
    add(
        Lane::Child,
        over,
        moments.reap,
        "its exit; then not yet reaped",
        0.35,
    );
    spans
}

impl Draw for Chart<'_> {
    fn height(&self, form: Form) -> f64 {
        Self::bottom(form) + 40.0 + 22.0 * self.events.len() as f64
    }

    fn draw(&self, pen: &mut Pen, form: Form) {
        let (left, right) = Self::edges(form);
        let scale = LinearScale::up_to(self.end as f64, left, right);
        let bottom = Self::bottom(form);
        for tick in scale.ticks(80.0) {
            let x = scale.at(tick);
            pen.line(&[(x, 44.0), (x, bottom)], GRID, 1.0);
            let name = if tick == 0.0 {
                "0".to_owned()
            } else {
                tick_name(tick)
            };
            let half = text_width(&name, 12.0) / 2.0;
            let at = x.clamp(half + 2.0, form.width() - half - 2.0);
            pen.text((at, bottom + 14.0), &name, 12.0, MUTED, Anchor::Middle);
        }
        pen.line(&[(left, bottom), (right, bottom)], AXIS, 1.0);
        self.draw_lane(pen, form, Lane::Parent, &scale);
        self.draw_lane(pen, form, Lane::Child, &scale);
        self.draw_list(pen, form);
    }
}
