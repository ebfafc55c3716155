"""What an editor says about a key of a rule file. One sentence each; docs/rule-language.md has the rest."""

from collections.abc import Mapping

PLAYBOOK: Mapping[str, str] = {
    "playbook": "Its identity: small letters, digits, - and _. A new name is a new playbook, with no past.",
    "renamed_from": "The name it had before, or a list of such names: their past becomes its own.",
    "title": "How people read it. Made from the name when left out.",
    "owner": "Who maintains it.",
    "review_every": "After how long somebody should look it over, such as 90d.",
    "subject": "What one run is about.",
    "priority": "0 to 100, 50 when left out. Tasks of a higher one stand higher in the queue.",
    "audience": "A condition on who may start. With leave: exit its end also ends a run under way.",
    "when": "A state whose beginning starts a run.",
    "on": "A moment that starts a run, or a list of them, each with an optional if.",
    "every": "A day of each week, month, quarter, half-year or year on which it starts.",
    "for": "How long the state must have held before it starts a run, such as 3d. No business days.",
    "on_missing": "What an unknown verdict is. freeze, when left out: it neither opens nor resolves.",
    "existing": "Subjects already in the state at go-live: wait (when left out), fire, or {since: 14d}.",
    "keep_active_for": "After the state has ended, how long it still counts as holding, such as 3d.",
    "cooldown": "From the end of the subject's last run, how long no other starts, such as 30d.",
    "repeat_every": "While the state lasts, it starts again so long after the last start, such as 90d.",
    "mode": "When it opens while a run is open: single (when left out) waits, restart ends that run first.",
    "run_per": "A field; each of its values has at most one run.",
    "group_by": "account: subjects of one account with the same anchor date share a run.",
    "anchor": "A date or instant field from which the steps under at: count.",
    "late": "Anchored steps whose day has passed at the start: run them all, only the latest, or skip them.",
    "guard": "More starts than max_starts within a stretch are held for a person to release.",
    "mutes": "While a run is open, other playbooks do not start for the account.",
    "steps": "What a run does, at least one step.",
    "exit": "How a run ends before its last step.",
}

EVERY: Mapping[str, str] = {
    "week": "On a weekday, such as monday, or on the first or last business day.",
    "month": "On a day: 15, first business day, last day; or the day of the month that a date field has.",
    "quarter": "On a day: first business day, 15; or the day on which a date field comes round.",
    "half_year": "On a day: first business day, 15; or the day on which a date field comes round.",
    "year": "On a day: first business day, 15; or the anniversary of a date field.",
    "spread": "Over how many days the accounts are spread, each always at the same place: 10bd.",
    "if": "A condition read at the first instant of the account's day.",
}

STEP: Mapping[str, str] = {
    "id": "The step's name within the playbook.",
    "day": "Days after the start: 0 is the start itself, 3 the third date, 3bd the third business day.",
    "at": "Days before or after the anchor's date: T-90, T-0, T+30.",
    "after": "Counted from when another step acted or was skipped: STEP + 2bd, STEP + 4h.",
    "on": "When a moment happens, or a state first holds, within the run. Once a run, but for repeat.",
    "repeat": "each: with on, at every such moment in the run, and each time the state holds anew.",
    "if": "Read when the step falls due. False or unknown skips the step, with the reason.",
    "task": "Puts a task into somebody's queue.",
    "email": "Sends one email to a contact of the account.",
    "message": "Posts to a chat channel.",
    "webhook": "Posts a JSON document to another system.",
    "record": "Lets an event of the subject happen, which playbooks can wait for.",
    "update": "Gives fields of the subject or its account other values.",
    "choose": "Does what the first branch says whose if is true; without such a branch the step is skipped.",
    "purpose": "What it asks for, such as book_call. Two steps that ask for the same are warned of.",
    "escalate": "Hands an unfinished task to another role after a while, once.",
    "expires": "A step missed for longer than this, because the service was down, is skipped.",
}

BRANCH: Mapping[str, str] = {
    "if": "When this branch is taken, if none before it is. Left out, it always is.",
}

EXIT: Mapping[str, str] = {
    "outcome": "What this end of a run is called.",
    "when": "A state that ends the run; one that holds at the start ends it at once.",
    "on": "A moment after the start that ends the run.",
    "for": "With when: how long the state must have held within the run.",
    "then": "What is done at the end.",
}

TASK: Mapping[str, str] = {
    "to": "The role that gets it. Who that is is found when the step acts.",
    "title": "One line, with values: Call {{ account.name }}.",
    "template": "Guidance shown with the task: templates/tasks/NAME.md.j2.",
    "due": "1bd when left out. Days end with the account's working day, hours are elapsed.",
    "outcomes": "One of these must be chosen on completion.",
}

EMAIL: Mapping[str, str] = {
    "to": "Contact roles in order of preference; any is any role, subject the contact the run is about.",
    "template": "The folder templates/emails/NAME/ with subject.txt.j2, body.html.j2 and maybe body.txt.j2.",
    "topic": "What a person can unsubscribe from.",
}

MESSAGE: Mapping[str, str] = {
    "via": "A connector from the settings.",
    "to": "The channel, in quotes when it begins with #.",
    "template": "templates/messages/NAME.txt.j2.",
}

WEBHOOK: Mapping[str, str] = {
    "via": "A connector of kind webhook from the settings.",
    "template": "templates/webhooks/NAME.json.j2, which gives a JSON document.",
}

RECORD: Mapping[str, str] = {
    "event": "Its name, as conditions ask for it.",
    "properties": "What it carries, by name: texts with values, numbers, true or false.",
}

SOURCE = "The field whose value is taken."

ESCALATION: Mapping[str, str] = {
    "after": "How long the task may stay unfinished, such as 3d.",
    "to": "The role that gets it then.",
}

GUARD: Mapping[str, str] = {
    "max_starts": "At most so many starts of the playbook.",
    "max_share": "Nor more than this part of the subjects there were when the stretch began, such as 5%.",
    "within": "In any stretch of this length, such as 1h.",
}

MUTES: Mapping[str, str] = {
    "playbooks": "The names of the playbooks that do not start meanwhile.",
    "open_steps": "Their open runs: hold (when left out) lets steps wait, cancel ends the runs as muted.",
}

FILES: Mapping[str, str] = {
    "blueprint": "The name of a blueprint: what stands here makes one playbook for each file that uses it.",
    "parameters": "What the playbooks that use the blueprint may choose: names, each with its type.",
    "conditions": "Conditions that playbooks use by name: {condition: NAME}.",
}

INSTANCE: Mapping[str, str] = {
    **{key: PLAYBOOK[key] for key in ("playbook", "title", "owner", "review_every")},
    "use": "The name of the blueprint that this playbook is made of.",
    "with": "The values of the blueprint's parameters.",
}

PARAMETER: Mapping[str, str] = {
    "type": "What a value must be.",
    "items": "What the members of a list must be; text when left out.",
    "choices": "The names an enum takes.",
    "of": "The field whose choices an enum takes, such as account.segment.",
    "min": "The least a number may be.",
    "max": "The most a number may be.",
    "default": "The value when none is given; without it one must be.",
    "about": "What it is for, for people.",
}

PLACEHOLDER: Mapping[str, str] = {
    "param": "The parameter whose value stands here.",
    "as": 'A text with {} where the value goes: "T-{}".',
}

SINCE = "Starts those whose state began no longer ago than this before go-live."

GROUPS: Mapping[str, str] = {
    "all": "True when every member is true.",
    "any": "True when one member is true.",
    "none": "True when every member is false.",
}

ABOUT: Mapping[str, str] = {
    "field": "The field asked about. A condition asks one thing of it.",
    "event": "The name of an event. By itself a moment; with within, absent_for or at_least a state.",
    "step": "A step of this playbook.",
    "condition": "The name of a shared condition, which a file of conditions defines.",
    "of": "Makes the value a percentage of this other amount.",
    "else_since": "Days are counted from this field when the first has no value.",
    "count": "How many the account has: contacts, subscriptions, tickets, or events of a name.",
    "sum": "The sum of a field over the account's contacts, subscriptions, tickets or events.",
    "where": "Who counts: a condition on each with its account, or on what each event carries.",
    "name": "The name of the events that are counted, or over which is summed.",
    "since": "run_start: those after the start of the run.",
    "recovers_at": "The threshold holds until the value has come back to this one.",
    "within": "Over this stretch of time, up to now.",
    "from": "Only a change from this value.",
    "direction": "up, when left out: from below to this or more. down: from above to this or less.",
    "take": "Of several crossed in one jump the furthest (highest, when left out), or each.",
    "once": "per_threshold, when left out: only the first time it is ever reached. never: every time.",
    "leave": "When it ends within a run: stay (when left out) goes on, exit ends it as left_audience.",
    "if": "A condition on the state in which the moment finds the subject.",
}

WHICH = "Which of these events: a condition on what each carries. All when left out."
PROPERTY = "What an event carries, such as event.plan."
OF_ACCOUNT = "account: whose they are, as without it. A field makes the value a percentage of that amount."

OPERATORS: Mapping[str, str] = {
    "equals": "It is this value.",
    "not_equals": "It is another value. Unknown when there is none.",
    "in": "It is one of these values.",
    "not_in": "It is none of these values.",
    "below": "Less than this.",
    "at_most": "Less than this or equal to it.",
    "above": "More than this.",
    "at_least": "More than this or equal to it.",
    "between": "[low, high]: from low to high, both included.",
    "contains": "It holds this text somewhere. Capitals do not matter.",
    "matches": 'The whole text has this form; * stands for any text: "*@acme.example".',
    "is_set": "true: there is a value. Never unknown.",
    "is_missing": "true: there is no value. Never unknown.",
    "drops_below": "It fell below this, and has not come back to recovers_at since.",
    "rises_above": "It rose above this, and has not come back to recovers_at since.",
    "drops_by": "It is at least so much, or so many percent, below its highest within the stretch.",
    "rises_by": "It is at least so much, or so many percent, above its lowest within the stretch.",
    "changes": "Moment: it takes another value. With within, a state: it lately did.",
    "changes_to": "Moment: it becomes this value. With within, a state: it lately did.",
    "changed_within": "It changed within the stretch, however often.",
    "crosses": "Moment: it reaches one of these: [100, 1000, 10000].",
    "days_until": "So many local dates lie between today and it: {at_most: 90}.",
    "days_since": "So many local dates have passed since it: {above: 30}.",
    "event": ABOUT["event"],
    "event_within": "The last such event is at most so long ago. False when there never was one.",
    "event_absent_for": "The last such event is at least so long ago. Unknown when there never was one.",
    "event_since": "Such an event has happened after the run started.",
    "event_at_least": "At least so many such events within the stretch.",
    "step_is": "The state of the step in this run.",
    "step_outcome": "The step's task was closed with this outcome. False while it is open.",
}
"""By keyword of the operator table."""
