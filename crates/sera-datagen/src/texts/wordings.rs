//! What is said of each family, in each register; `{f}` is where the function is named.

/// A family's wordings: as a symptom, and as a terse request.
pub(super) struct Wordings {
    pub(super) family: &'static str,
    pub(super) symptom: &'static [&'static str],
    pub(super) terse: &'static [&'static str],
}

const fn say(
    family: &'static str,
    symptom: &'static [&'static str],
    terse: &'static [&'static str],
) -> Wordings {
    Wordings { family, symptom, terse }
}

pub(super) const WORDINGS: &[Wordings] = &[
    say(
        "off-by-one",
        &[
            "{f} gets the edge of its range wrong: one too many or one too few.",
            "At the boundary {f} is off by one.",
        ],
        &["Off by one in {f}", "Boundary is wrong in {f}"],
    ),
    say(
        "inverted-condition",
        &[
            "{f} does the opposite of what it should: it acts when it must not and stays idle when it must act.",
            "A check in {f} seems to be the wrong way round.",
        ],
        &["Check is inverted in {f}", "{f} decides the wrong way"],
    ),
    say(
        "missing-clause",
        &[
            "{f} takes a branch in more cases than it should; part of the requirement is not looked at.",
            "{f} is too lenient in one of its checks.",
        ],
        &["Incomplete check in {f}", "{f} must look at every requirement"],
    ),
    say(
        "over-strict-condition",
        &["{f} refuses cases that used to work.", "{f} is too strict: valid input is turned away."],
        &["{f} is too strict", "Relax the check in {f}"],
    ),
    say(
        "missing-guard",
        &[
            "{f} goes on with input that it should stop at early.",
            "{f} misbehaves on unusual input because nothing stops it first.",
        ],
        &["Guard missing in {f}", "{f} should stop early on bad input"],
    ),
    say(
        "missing-null-check",
        &[
            "{f} breaks when a value is absent.",
            "When there is no value, {f} fails or carries on with nothing.",
        ],
        &["Handle absent values in {f}", "{f} fails without a value"],
    ),
    say(
        "missing-empty-case",
        &[
            "{f} handles the ordinary case and the special one alike, which is wrong.",
            "The special case in {f} is no longer treated apart.",
        ],
        &["Special case lost in {f}", "{f} ignores a special case"],
    ),
    say(
        "dead-branch",
        &["Part of {f} is never reached.", "A branch of {f} cannot be taken any more."],
        &["Dead branch in {f}", "Unreachable part in {f}"],
    ),
    say(
        "wrong-variable",
        &[
            "{f} works with the wrong one of its values.",
            "{f} gives wrong results; two of its values look mixed up.",
        ],
        &["Wrong value used in {f}", "Mixed-up variable in {f}"],
    ),
    say(
        "wrong-attribute",
        &[
            "{f} reads or sets the wrong field.",
            "The result of {f} comes from another field than it should.",
        ],
        &["Wrong field in {f}", "Mixed-up attribute in {f}"],
    ),
    say(
        "wrong-initial-value",
        &[
            "{f} starts from a wrong value.",
            "What {f} begins with is wrong, and so is what comes out.",
        ],
        &["Wrong starting value in {f}", "Bad initial state in {f}"],
    ),
    say(
        "missing-update",
        &[
            "{f} leaves something as it was that should have been set.",
            "A value is not kept up to date by {f}.",
        ],
        &["Value not updated in {f}", "{f} forgets to set something"],
    ),
    say(
        "overwritten-accumulation",
        &[
            "{f} only keeps the last part instead of all of them.",
            "The sum that {f} builds up is lost on the way.",
        ],
        &["{f} loses what it gathered", "Accumulation broken in {f}"],
    ),
    say(
        "aliased-state",
        &[
            "A change made after {f} shows up where it should not: something is shared.",
            "{f} hands out its own state, which others then change.",
        ],
        &["Shared state in {f}", "{f} must not share its state"],
    ),
    say(
        "stale-state",
        &["{f} works with an outdated value.", "{f} looks at what was rather than at what is."],
        &["Outdated value used in {f}", "Stale state in {f}"],
    ),
    say(
        "wrong-constant",
        &["A number in {f} is wrong, and with it the result.", "{f} uses a wrong fixed value."],
        &["Wrong constant in {f}", "Number is off in {f}"],
    ),
    say(
        "unit-error",
        &[
            "The result of {f} is out of scale.",
            "What {f} calculates is in the wrong unit or scale.",
        ],
        &["Wrong scale in {f}", "Unit mix-up in {f}"],
    ),
    say(
        "wrong-arithmetic",
        &["{f} calculates a wrong result.", "The calculation in {f} does not add up."],
        &["Wrong calculation in {f}", "Arithmetic is off in {f}"],
    ),
    say(
        "rounding-error",
        &[
            "{f} gives results that are slightly off, or of the wrong kind of number.",
            "{f} divides or rounds wrongly.",
        ],
        &["Rounding is wrong in {f}", "{f} rounds wrongly"],
    ),
    say(
        "wrong-callee",
        &[
            "{f} asks the wrong function for something.",
            "{f} does a similar thing to what it should do, but not the same.",
        ],
        &["Wrong function called in {f}", "{f} calls the wrong thing"],
    ),
    say(
        "argument-order",
        &["{f} passes values in the wrong order.", "A call in {f} mixes up what it hands over."],
        &["Arguments mixed up in {f}", "Wrong order of arguments in {f}"],
    ),
    say(
        "missing-argument",
        &[
            "{f} does not hand over everything that a call needs.",
            "Something that {f} knows is not passed on, so a default is used.",
        ],
        &["Argument missing in {f}", "{f} does not pass on everything"],
    ),
    say(
        "wrong-option",
        &[
            "{f} sets an option the wrong way.",
            "An option chosen in {f} has the opposite effect of what is wanted.",
        ],
        &["Wrong option in {f}", "Option is set wrongly in {f}"],
    ),
    say(
        "wrong-flag",
        &["{f} has a switch the wrong way round.", "A yes-or-no value in {f} is wrong."],
        &["Flag is wrong in {f}", "Flipped switch in {f}"],
    ),
    say(
        "wrong-receiver",
        &["{f} asks the wrong object.", "{f} works on one object where another is meant."],
        &["Wrong object in {f}", "{f} uses the wrong object"],
    ),
    say(
        "call-site-drift",
        &[
            "A call in {f} does not fit the function it calls.",
            "{f} calls something without all it expects.",
        ],
        &["Call does not fit in {f}", "Fix the call in {f}"],
    ),
    say(
        "broken-return",
        &[
            "{f} gives back something else than its callers expect.",
            "Callers of {f} get a wrong value back.",
        ],
        &["Wrong result from {f}", "{f} returns the wrong thing"],
    ),
    say(
        "missing-return",
        &[
            "{f} carries on after it should have ended.",
            "{f} does not stop where its work is done.",
        ],
        &["{f} should end earlier", "Early exit missing in {f}"],
    ),
    say(
        "missing-normalisation",
        &[
            "{f} treats equal values as different: they are not brought into one form.",
            "{f} works on a raw value that it should have converted first.",
        ],
        &["Value is not normalised in {f}", "{f} skips a conversion"],
    ),
    say(
        "missing-filter",
        &[
            "{f} lets through entries that do not belong there.",
            "The result of {f} holds too much.",
        ],
        &["{f} keeps too much", "Filter missing in {f}"],
    ),
    say(
        "wrong-iteration",
        &["{f} goes through the wrong things.", "{f} loops over something else than it should."],
        &["Wrong loop in {f}", "{f} iterates over the wrong thing"],
    ),
    say(
        "premature-exit",
        &[
            "{f} leaves its loop at the wrong moment.",
            "{f} does not treat every entry of its input.",
        ],
        &["Loop ends wrongly in {f}", "{f} stops its loop at the wrong time"],
    ),
    say(
        "endless-loop",
        &["{f} does not leave its loop when it should.", "The loop in {f} runs on."],
        &["Loop runs on in {f}", "{f} should leave its loop"],
    ),
    say(
        "wrong-slice",
        &["{f} cuts in the wrong place.", "{f} takes the wrong part."],
        &["Wrong part taken in {f}", "Slice is off in {f}"],
    ),
    say(
        "wrong-key",
        &[
            "{f} looks something up under the wrong name.",
            "{f} does not find an entry that is there.",
        ],
        &["Wrong key in {f}", "Lookup uses the wrong name in {f}"],
    ),
    say(
        "wrong-separator",
        &[
            "The text that {f} makes or reads is in the wrong format.",
            "{f} uses the wrong separator or format.",
        ],
        &["Wrong format in {f}", "Separator is wrong in {f}"],
    ),
    say(
        "wrong-pattern",
        &["{f} matches too much or too little.", "{f} does not recognise what it should."],
        &["Pattern is off in {f}", "{f} matches wrongly"],
    ),
    say(
        "date-error",
        &["{f} gets a date or time wrong.", "Dates that go through {f} come out wrong."],
        &["Wrong date in {f}", "Date handling broken in {f}"],
    ),
    say(
        "swallowed-error",
        &[
            "{f} does not handle a failure any more.",
            "When something fails below {f}, it goes unnoticed or is not dealt with.",
        ],
        &["Error handling lost in {f}", "{f} does not deal with failures"],
    ),
    say(
        "broad-handler",
        &["{f} catches more than it should.", "{f} hides errors that have nothing to do with it."],
        &["Handler is too broad in {f}", "{f} hides other errors"],
    ),
    say(
        "wrong-error-type",
        &[
            "{f} reports the wrong kind of error.",
            "Callers of {f} cannot catch its error as the kind it should be.",
        ],
        &["Wrong error from {f}", "{f} reports the wrong error"],
    ),
    say(
        "ignored-error",
        &[
            "{f} goes on although something failed.",
            "{f} does not pass a failure on to its caller.",
        ],
        &["Failure ignored in {f}", "{f} ignores an error"],
    ),
    say(
        "panic-instead-of-error",
        &["{f} crashes where it should report a failure.", "A failure brings {f} down."],
        &["{f} crashes on failure", "Crash in {f}"],
    ),
    say(
        "resource-leak",
        &["{f} does not let go of something when it is done.", "After {f} something stays open."],
        &["Leak in {f}", "{f} does not release what it holds"],
    ),
    say(
        "missing-await",
        &["{f} uses a result before it is there.", "{f} does not wait for something."],
        &["{f} does not wait", "Result used too early in {f}"],
    ),
    say(
        "race",
        &[
            "{f} misbehaves when used at the same time from several places.",
            "{f} is not safe to run twice at once.",
        ],
        &["Race in {f}", "{f} is not safe to run at once"],
    ),
    say(
        "not-idempotent",
        &["Calling {f} again changes the outcome.", "{f} gives something else the second time."],
        &["{f} should be repeatable", "Repeating {f} goes wrong"],
    ),
    say(
        "missing-side-effect",
        &["{f} leaves out a step that others rely on.", "After {f} something has not been done."],
        &["Step missing in {f}", "{f} leaves out a step"],
    ),
    say(
        "mutated-input",
        &["{f} changes what its caller gave it.", "The caller's value is different after {f}."],
        &["{f} changes its input", "Do not touch the input in {f}"],
    ),
    say(
        "stale-cache",
        &["{f} works with cached data that is wrong.", "Caching in {f} goes wrong."],
        &["Cache is wrong in {f}", "Stale cache in {f}"],
    ),
    say(
        "missing-case",
        &[
            "{f} does not cover all cases.",
            "One case is treated like the others in {f}, or not at all.",
        ],
        &["Case missing in {f}", "{f} does not cover every case"],
    ),
    say(
        "missing-fallback",
        &["{f} has nothing to fall back on.", "Without a value, {f} no longer uses its fallback."],
        &["Fallback lost in {f}", "{f} lacks a fallback"],
    ),
    say(
        "lost-field",
        &["Something is missing from what {f} works with.", "{f} loses a piece of information."],
        &["Entry lost in {f}", "{f} drops a piece of data"],
    ),
    say(
        "config-drift",
        &["{f} uses a wrong setting.", "A setting in {f} is not what it should be."],
        &["Wrong setting in {f}", "Setting is off in {f}"],
    ),
    say(
        "wrong-default",
        &["Without being told otherwise, {f} does the wrong thing.", "{f} has a wrong default."],
        &["Wrong default in {f}", "Default is off in {f}"],
    ),
    say(
        "missing-escaping",
        &[
            "{f} passes a value on as it came, which breaks on special characters.",
            "Special characters get through {f} untreated.",
        ],
        &["Value is not escaped in {f}", "{f} breaks on special characters"],
    ),
    say(
        "path-handling",
        &["{f} gets a path wrong.", "Paths that go through {f} come out wrong."],
        &["Path is wrong in {f}", "{f} mishandles a path"],
    ),
    say(
        "missing-permission",
        &["{f} lets through what should be refused.", "{f} does not check whether it is allowed."],
        &["Permission not checked in {f}", "{f} allows too much"],
    ),
    say(
        "wrong-import",
        &["{f} uses the wrong dependency.", "{f} pulls in the wrong thing."],
        &["Wrong import in {f}", "{f} uses the wrong dependency"],
    ),
    say(
        "wrong-order",
        &[
            "{f} does things in the wrong order.",
            "{f} works with something before it is ready for that.",
        ],
        &["Wrong order in {f}", "{f} does two things the wrong way round"],
    ),
    say(
        "partial-failure",
        &[
            "When something fails, {f} leaves a thing half done.",
            "After a failure in {f} something is not cleaned up.",
        ],
        &["{f} must clean up after a failure", "Half-done work after a failure in {f}"],
    ),
    say(
        "missing-lock",
        &[
            "Two at once in {f} get in each other's way.",
            "{f} touches something shared without guarding it.",
        ],
        &["Guard the shared state in {f}", "{f} is not guarded"],
    ),
    say(
        "truncation",
        &[
            "Large values come out of {f} damaged.",
            "{f} loses part of a value: its type is too small or of the wrong kind.",
        ],
        &["Value is cut off in {f}", "Wrong width in {f}"],
    ),
    say(
        "missing-registration",
        &[
            "{f} is not treated as what it is: something that it should be marked with is missing.",
            "{f} no longer gets what its surroundings should give it.",
        ],
        &["Marking lost around {f}", "{f} is not declared as it should be"],
    ),
    say(
        "missing-documentation",
        &["{f} does not say what it is for.", "It is unclear from reading {f} what it does."],
        &["Document {f}", "{f} lacks documentation"],
    ),
    say(
        "vague-name",
        &[
            "A name in {f} says nothing about what it holds.",
            "{f} is hard to read: one of its names is meaningless.",
        ],
        &["Rename the vague variable in {f}", "Give a telling name in {f}"],
    ),
    say(
        "missing-annotation",
        &[
            "{f} does not state a type that the rest of the code states.",
            "A type is left out in {f}.",
        ],
        &["Annotate {f}", "Type is not stated in {f}"],
    ),
    say(
        "magic-number",
        &[
            "{f} holds a bare number that has a name elsewhere in the file.",
            "A value in {f} is written out where there is a name for it.",
        ],
        &["Name the bare value in {f}", "Use the named constant in {f}"],
    ),
    say(
        "deep-nesting",
        &[
            "{f} is nested deeper than it need be.",
            "In {f} most of the work stands in an alternative that is not needed.",
        ],
        &["Flatten {f}", "Needless nesting in {f}"],
    ),
    say(
        "duplication",
        &["{f} says the same thing twice.", "A line of {f} is repeated for nothing."],
        &["Repetition in {f}", "Remove what {f} does twice"],
    ),
    say(
        "dead-code",
        &["{f} holds code that never runs.", "Part of {f} has no effect and can go."],
        &["Remove dead code from {f}", "Dead code in {f}"],
    ),
    say(
        "verbose-loop",
        &[
            "{f} builds a list in a loop where one expression would do.",
            "A loop in {f} could be said in one line.",
        ],
        &["Shorten the loop in {f}", "Use a comprehension in {f}"],
    ),
    say(
        "hard-to-maintain",
        &["{f} is harder to follow than it need be.", "{f} needs a clean-up."],
        &["Clean up {f}", "Tidy {f}"],
    ),
];

/// What is said of a place by someone who knows no more: the family is for the solver to find out.
pub(super) const VAGUE: &[&str] = &[
    "Something is wrong around {f}.",
    "{f} does not do what it should.",
    "Please look into {f}: it misbehaves.",
    "There is a fault somewhere in {f}.",
];
