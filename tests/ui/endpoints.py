"""Every endpoint of the app, and who may do what with it: the table that `test_endpoints.py` walks.

An endpoint that is not listed fails that test. To list one: say who it is for, and where it takes the name of
something that has an owner, name what is the host's, so that the walk can see it refused.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

Whose = Literal["everybody", "owner", "host"]

RUN, EVALUATION, FILE = "<run>", "<evaluation>", "<file>"
"""Stand for a run and an evaluation of the host and a file of the machine, which the walk puts in."""
OTHERS = r"belongs to someone else|[Oo]nly (the host|its owner)|is for the host only|not in the list of choices"
"""How a stranger is refused: by us, or by a field that never offered them what they name."""
NOBODY = r'no owner key yet|owner_key is needed|"data": ?\[\{\}\]'
"""How one without a key is; some answers are empty then."""
NO_UPLOAD = r'"error": ?null'
"""Gradio itself takes no file that was not uploaded, without a word: the page never sends one."""


class Rule(NamedTuple):
    """Who an endpoint is for, and what the walk sends to it."""

    whose: Whose
    """`everybody`: looks and computes, changes nothing; `owner`: of what is named, its owner and the host; `host`."""
    says: str = OTHERS
    """Pattern of what a stranger hears who names the host's things; "" where the answer only leaves its runs out."""
    values: Mapping[str, Any] = MappingProxyType({})
    """By a field's `elem_id`, a browser state's storage key or an argument's name."""
    event: Any = None
    """What a widget sends along."""


LOOK, OWN_LIST = Rule("everybody"), Rule("owner", says="")
COMPARED = {"compare-run": RUN, "compare-prompt": "Say hello."}
ON_RUN = {"distribution-run": RUN, "distribution-prompt": "Say hello."}
OPENED = {"playground-data": {"data": {"source": FILE}}}
TYPED = {"data-source": FILE}
VOTING = {"contestants": ["base", RUN], "prompts": "Say hello."}
ON_VOTES = Rule("owner", values={"playground-votes": VOTING})
A_FILE = {"path": FILE, "meta": {"_type": "gradio.FileData"}}

EVENTS: dict[str, Rule] = {
    "app.welcome": LOOK,
    "tabs.model.fields_for": LOOK,
    "tabs.model.describe": Rule("owner", values={"model-source": "run", "model-run": RUN}),
    "tabs.model.offer": OWN_LIST,
    "tabs.model.load": Rule("host", values={"model-source": "folder", "model-folder": FILE}),
    "tabs.model.cancel": Rule("host"),
    "tabs.model.unload": Rule("host"),
    "opening.Opening.answer": OWN_LIST,
    "reward_form._panels_of": LOOK,
    "rollouts_view.start": Rule("owner", values=ON_RUN),
    "rollouts_view.anew": Rule("owner", says="There are no rollouts|is not kept any more"),
    "rollouts_view.start_sweep": Rule("owner", values=ON_RUN),
    "rollouts_view.follow": Rule("owner", says="", event={"prompt": "Say hello.", "run": RUN}),
    "desk_view.stop": Rule("owner", says="is not kept any more", event={"work": "unknown"}),
    "reward_runs.offer_reward_runs": OWN_LIST,
    "beam_view.search": Rule("owner", values=ON_RUN, event={"asked": 1}),
    "beam_view.follow": Rule("owner", says="", event={"prompt": "Say hello.", "run": RUN}),
    "tabs.distribution.show": Rule("owner", values=ON_RUN),
    "tabs.distribution.pick": Rule("owner", values={**ON_RUN, "distribution-examples": 0}),
    "tabs.distribution.refresh": OWN_LIST,
    "tabs.distribution.follow": Rule("owner", says="", event={"prompt": "Say hello.", "run": RUN}),
    "tabs.distribution.opened": OWN_LIST,
    "tabs.distribution.step": Rule("owner", event={"prompt": "Say hello.", "run": RUN, "drawn": [1]}),
    "tabs.distribution.next_token": Rule("everybody", values={"prompt": "Say hello."}),
    "tabs.data.open_form": Rule("host", values=TYPED),
    "run_sources.take_upload": Rule("host", NO_UPLOAD, {"data-upload": A_FILE, "train-upload": A_FILE}),
    "tabs.data.pick": LOOK,
    "data_reading.count_doubles": Rule("host", values=OPENED),
    "tabs.data.use_mapping": Rule("host", values=TYPED, event={"columns": {}}),
    "tabs.data.offer_mapping": Rule("host", values=TYPED),
    "tabs.data.preview_mapping": Rule("host", values=TYPED, event={"columns": {}}),
    "tabs.data.restore": LOOK,
    "tabs.data.reopen": Rule("host", values=OPENED),
    "data_form.show_custom": LOOK,
    "tabs.data.refilter": Rule("host", values={**OPENED, **TYPED, "data-data-limit": "3"}),
    "tabs.data.restyle": LOOK,
    "data_reading.look": Rule("host", values=OPENED, event={"part": "train", "index": 0}),
    "data_reading.take_as_prompt": Rule("host", values=OPENED, event={"part": "train", "index": 0}),
    "data_reading.measure": Rule("host", values=OPENED),
    "tabs.data.hand_over": Rule("host", values=OPENED),
    "takeaway.offer": Rule("owner", says=r'"items": ?\[\]', values={"playground-run": RUN}),
    "takeaway.take": Rule("owner", event={"run": RUN, "what": "adapter"}),
    "takeaway.push": Rule("owner", values={"playground-run": RUN, "takeaway-repository": "a/b"}),
    "takeaway.call_off": LOOK,
    "run_form.show_method": LOOK,
    "tabs.train._wire.<locals>.<lambda>": LOOK,
    "tabs.train.change_method": LOOK,
    "tabs.train.apply_starting_point": LOOK,
    "tabs.train.name_starting_point": LOOK,
    "tabs.train.fit_rate": LOOK,
    "tabs.train.take_data": LOOK,
    "tabs.train.take_config": LOOK,
    "tabs.train.describe": Rule("owner", values={"train-model": f"run:{RUN}"}),
    "adapter_form.show_adapter": LOOK,
    "run_form.show_words": LOOK,
    "tabs.train.show_data": LOOK,
    "tabs.train.start": Rule("owner", values={"train-model": f"run:{RUN}"}),
    "tabs.train.stop": Rule("owner", event={"run": RUN}),
    "tabs.train.resume": Rule("owner", event={"run": RUN}),
    "tabs.train.look_at": Rule("everybody", event={"run": RUN}),
    "tabs.train.take_look": LOOK,
    "tabs.train.offer": OWN_LIST,
    "generation_form._rows_of": LOOK,
    "answers_view.compare": Rule("owner", values=COMPARED),
    "answers_view.follow": Rule("owner", values={**COMPARED, "compare-answers": {"state": "done"}}),
    "answers_view._wire.<locals>.<lambda>": LOOK,
    "tabs.compare._show_prompt.<locals>.<lambda>": LOOK,
    "tabs.compare._show_fields.<locals>.<lambda>": LOOK,
    "chat_view.talk": Rule("owner", values=COMPARED, event={"base": [], "tuned": []}),
    "shift_view.start": Rule("owner", values=COMPARED),
    "shift_view._wire.<locals>.<lambda>": LOOK,
    "shift_view.anew": Rule("owner", says="is not kept any more", values={"shift-picture": "unknown"}),
    "shift_view.follow": Rule("owner", values={**COMPARED, "shift-picture": "unknown"}),
    "adapter_view.measure": Rule("owner", values=COMPARED),
    "voting_form.build_voting_form.<locals>.<lambda>": LOOK,
    "voting_form.offer": Rule("owner", says=r'"base"\]\], ?("value": ?\["base"\], ?)?"__type__"'),
    "votes_view.start": Rule("owner", values={"votes-answers": "live", "votes-contestants": ["base", RUN]}),
    "votes_view.proceed": Rule("owner", says="someone else|no such|unknown|not yours", event={"ballot": "b-unknown"}),
    "votes_view.follow": Rule("everybody", event={"evaluation": EVALUATION}),
    "votes_view.standings": Rule("owner", values={"playground-votes": VOTING}),
    "votes_view.make_data": Rule("owner", values={"playground-votes": VOTING}),
    "votes_training_view.arenas": LOOK,
    "votes_training_view.look": ON_VOTES,
    "votes_training_view.begin": ON_VOTES,
    "votes_training_view.resume": ON_VOTES,
    "votes_training_view.stop": ON_VOTES,
    "votes_training_view.visit": LOOK,
    "stage_view._fields.<locals>.<lambda>": LOOK,
    "stage_view.choose": Rule("host", says=""),
    "stage_view.metrics_of": LOOK,
    "stage_view.show": Rule("host"),
    "stage_view.lead": Rule("host"),
    "tabs.compare.offer": OWN_LIST,
    "tabs.compare.examples": Rule("owner", values=COMPARED),
    "tabs.compare.take_prompt": LOOK,
    "tabs.compare.take_handed": LOOK,
    "tabs.compare._wire.<locals>.<lambda>": LOOK,
    "judge_form.build_judge_form.<locals>.<lambda>": LOOK,
    "score_view.score": Rule("owner", values={"score-run": RUN, "score-answer": "Well."}),
    "evaluation_runs.offer_runs": OWN_LIST,
    "tabs.evaluate.offer_judges": OWN_LIST,
    "judge_form.offer_language_judges": OWN_LIST,
    "evaluation_runs.offer_others": OWN_LIST,
    "tabs.evaluate.start": Rule("owner", values={"evaluate-run": RUN}),
    "tabs.evaluate.stop": Rule("owner", event={"evaluation": EVALUATION}),
    "tabs.evaluate.look_at": Rule("everybody", event={"evaluation": EVALUATION}),
    "tabs.evaluate.take_look": LOOK,
    "tabs.history.rename": Rule("owner", event={"run": RUN, "name": "mine"}),
    "tabs.history.erase": Rule("owner", event={"runs": [RUN, EVALUATION]}),
    "tabs.history.free": Rule("owner", event={"runs": [RUN]}),
    "tabs.history.use": Rule("owner", event={"run": RUN}),
    "tabs.history.look": Rule("everybody", event={"run": RUN}),
    "tabs.history.differ": Rule("owner", event={"runs": [RUN, EVALUATION]}),
    "tabs.history.import_config": Rule("host", NO_UPLOAD, {"history-import": A_FILE}),
    "tabs.history.restore": Rule("owner", event={"runs": [RUN]}),
    "room_rules.show": Rule("host", says=""),
    "room_rules.change": Rule("host", values={"set-room-max-steps": 1}),
    "reset_view.plan": Rule("host"),
    "reset_view.reset": Rule("host"),
    "tour_view.begin": Rule("owner", says="The tour goes with", event={"model": "none"}),
    "tour_view.resume": Rule("owner", says="no tour"),
    "tour_view.stop": Rule("owner", says="no tour"),
    "tour_view.visit": LOOK,
    "api.generate": Rule("owner", values={"prompt": "Say hello.", "run": RUN}),
    "api.start_run": Rule("owner", values={"config": {"model": {"run": RUN}}}),
    "api.run_status": Rule("everybody", values={"run": RUN}),
    "api.stop_run": Rule("owner", values={"run": RUN}),
    "api.evaluate": Rule("owner", values={"run": RUN}),
}
"""Handlers of events and of named endpoints, by where they stand in `playground.ui`."""

SERVER_FUNCTIONS = {
    ("distribution-picture", "probe"),
    ("rollouts-picture", "status"),
    ("rollouts-picture", "result"),
    ("rollouts-sweep-picture", "status"),
    ("rollouts-sweep-picture", "result"),
    ("shift-picture", "status"),
    ("shift-picture", "result"),
    ("shift-picture", "distributions"),
}
"""What a widget's page may call by its name. They look only, and at work by an id that nobody can guess."""

ROUTES = {
    "GET /playground/status", "GET /playground/template", "GET /playground/metrics", "GET /playground/runs",
    "GET /playground/recordings", "GET /playground/recording", "GET /playground/history", "GET /playground/evaluation",
    "GET /playground/evaluation/figures", "GET /playground/evaluation/words", "GET /playground/evaluation/answers",
    "GET /playground/tour", "GET /playground/lessons", "GET /playground/lesson-plan", "GET /playground/vocabulary",
    "GET /playground/plotly.min.js", "GET /playground/assets/{version}/{path:path}", "GET /room",
    "GET /room/now", "GET /room/count", "GET /room/address", "GET /room/code", "POST /room/vote", "POST /room/guess",
}  # fmt: skip
"""Routes of ours. Whoever may open the page may read all of it; what is posted needs a key, and changes one's own."""

GRADIO = {
    "GET /", "GET /assets/{path:path}", "GET /config", "GET /favicon.ico", "GET /logout",
    "GET /manifest.json", "GET /openapi.json", "GET /pwa_icon", "GET /pwa_icon/{size}", "GET /robots.txt",
    "GET /static/{path:path}", "GET /svelte/{path:path}", "GET /theme.css", "POST /login",
    "GET /api/app_id", "GET /api/call/v2/{api_name}/{event_id}", "GET /api/call/{api_name}/{event_id}",
    "GET /api/custom_component/{id}/{environment}/{type}/{file_name}", "GET /api/deep_link", "GET /api/dev/reload",
    "GET /api/file/{path:path}", "GET /api/file={path_or_url:path}", "GET /api/heartbeat/{session_hash}",
    "GET /api/info", "GET /api/login_check", "GET /api/openapi.json", "GET /api/queue/data", "GET /api/queue/status",
    "GET /api/startup-events", "GET /api/stream/{session_hash}/{run}/{component_id}/playlist-file",
    "GET /api/stream/{session_hash}/{run}/{component_id}/playlist.m3u8",
    "GET /api/stream/{session_hash}/{run}/{component_id}/{segment_id}.{ext}", "GET /api/theme.css", "GET /api/token",
    "GET /api/upload_progress", "GET /api/user", "POST /api/api/{api_name}", "POST /api/call/v2/{api_name}",
    "POST /api/call/{api_name}", "POST /api/cancel", "POST /api/component_server", "POST /api/process_recording",
    "POST /api/queue/join", "POST /api/reset", "POST /api/run/{api_name}", "POST /api/stream/{event_id}",
    "POST /api/stream/{event_id}/close", "POST /api/upload",
}  # fmt: skip
"""Gradio's own that stand open, of the version we pin; `/api` is `/gradio_api`."""

CLOSED = {
    "GET /monitoring", "GET /monitoring/summary", "GET /monitoring/{key}", "GET /api/proxy={url_path:path}",
    "GET /api/runs", "GET /api/vibe-code", "POST /api/vibe-code", "POST /api/vibe-edit", "POST /api/undo-vibe-edit",
    "POST /api/vibe-starter-queries",
}  # fmt: skip
"""Gradio's own that must be refused to everybody: figures of all users, a proxy, and an editor of the app's code."""
