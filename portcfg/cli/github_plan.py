"""github plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import click

from portcfg import planfile
from portcfg.baseline import FILE, read_baseline
from portcfg.cli.applying import binding_of
from portcfg.cli.common import reading, say, specs_options
from portcfg.cli.reconcile import plan_options
from portcfg.cli.validate import below_here, from_workspace, less_known, of_environments
from portcfg.cli.writes import utc_now
from portcfg.client import api_root
from portcfg.errors import EXIT_ERROR, EXIT_OK, InvalidSpecsError, PortcfgError, Problem, UsageError
from portcfg.findings import Findings
from portcfg.github import folder
from portcfg.github.artifacts import artifact_name
from portcfg.github.event import Event, read_event
from portcfg.github.outputs import annotation, told, write_outputs, write_summary
from portcfg.masking import without_login
from portcfg.model import Action, Plan
from portcfg.offline import offline_plan
from portcfg.pipeline import Options, Specs, plan_specs, read_specs
from portcfg.project import load_project
from portcfg.render.comment import comment
from portcfg.render.plan import headline, plan_json
from portcfg.render.problems_github import problems_github
from portcfg.render.problems_sarif import problems_sarif
from portcfg.render.safe import plain
from portcfg.render.summary import summary
from portcfg.review import Review
from portcfg.settings import Settings

NOTHING = "there are no credentials of Port here, and nothing else to compare the specs with"
# Port itself, which has issued the credentials.
PORTS = ("https://api.port.io", "https://api.us.port.io")
COUNTS = {"adds": Action.CREATE, "updates": Action.UPDATE, "deletes": Action.DELETE}


@dataclass(frozen=True)
class Made:
    """A plan and what belongs to it, or why there is none. `bound` is the text for `apply FILE`, if it may have one."""

    plan: Plan | None
    compared_with: str
    digest: str = ""
    bound: str = ""
    failure: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Offline:
    """What there is to compare with where Port isn't asked, the better first, and `why` not where it could be."""

    against: Path | None
    base: Path | None
    why: str = ""

    @property
    def name(self) -> str:
        """What a review calls it."""
        return "snapshot" if self.against else "base" if self.base else "nothing"


@click.command("plan")
@specs_options
@plan_options
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to write, for `portcfg github comment` and `apply`.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Without credentials of Port: a file of `portcfg snapshot` to compare with, if it is there.",
)
@click.option(
    "--base",
    type=click.Path(path_type=Path, file_okay=False),
    help="The specs of the base branch: compared with where there are no credentials and no snapshot. "
    "Credentials go to no other `base_url` than theirs, and to Port.",
)
def plan_command(
    settings: Settings,
    options: Options,
    out: Path,
    against: Path | None,
    base: Path | None,
) -> int:
    """Validate and plan, and write the review folder: what `portcfg github comment` posts, and `apply` carries out.

    Findings become annotations on the lines of the specs, the plan goes into the job summary, and counts and the plan's
    digest into step outputs. With Port's credentials the plan is made against Port; without, as in a pull request from
    a fork, against a snapshot, or the base branch's specs. Writes nothing to Port, and posts nothing.

    \b
    Examples:
      portcfg github plan --out review
      portcfg github plan --out review --env staging --prune
      portcfg github plan --out review --against snapshot.json --base base/specs
    """
    if out.resolve().is_relative_to(settings.specs.resolve()):
        raise UsageError(f"--out {out} is in the folder of the specs", hint="name another folder")
    settings = below_here(settings)
    event = _event(settings)
    findings = _findings(settings)
    click.echo(problems_github(findings))
    made = _made(settings, findings, options, _offline_of(settings, against, base))
    code = EXIT_OK if made.plan and not made.plan.refusals else EXIT_ERROR
    artifact = artifact_name("plan", settings.environment, event.head) if event.head else ""
    review = Review(
        environment=settings.environment,
        plan=made.plan,
        problems=tuple(sorted({*findings.problems, *made.problems})),
        texts=findings.texts,
        digest=made.digest,
        head=event.head,
        compared_with=made.compared_with,
        failure=made.failure,
        run_link=settings.run_link,
        artifact=artifact,
    )
    _write(out, review, event, code, made.bound, findings)
    write_summary(settings.environ, summary(review))
    write_outputs(settings.environ, _outputs(review, findings, code))
    _tell(review, findings, out)
    return code


def _event(settings: Settings) -> Event:
    """What started the job; outside of one, only the commit is known."""
    if settings.environ.get("GITHUB_EVENT_NAME"):
        return read_event(settings.environ)
    return Event("", "", settings.commit)


def _findings(settings: Settings) -> Findings:
    """What `validate` finds, with files named from the root of the checkout."""
    findings, known = of_environments(settings), settings.specs / FILE
    if known.is_file():
        findings = less_known(findings, read_baseline(known), whole=not settings.environment)
    return from_workspace(findings, settings)


def _there(path: Path | None) -> Path | None:
    """What a step before may have fetched, or the base branch may have."""
    return path if path and path.exists() else None


def _offline_of(settings: Settings, against: Path | None, base: Path | None) -> Offline:
    """What there is; where credentials are kept from Port's address in the specs, a warning says so."""
    why = _kept_from(settings, base) if base and _has_credentials(settings) else ""
    if why:
        click.echo(annotation("warning", "portcfg: Port is not asked", plain(why)))
    return Offline(_there(against), _there(base), why)


def _kept_from(settings: Settings, base: Path) -> str:
    """Why Port's credentials aren't sent to where the specs say; empty where they may be.

    A pull request must not choose who is told them: only the base branch's specs, or the job's own variables.
    """
    if settings.is_local or settings.value("base_url")[1]:
        return ""
    project = load_project(settings.specs, settings.environment)[0]
    known = {api_root(each) for each in (*PORTS, _base_url(base, settings.environment))}
    if not project.base_url or api_root(project.base_url) in known:
        return ""
    what = f"{project.file} has the base_url {without_login(project.base_url)}, and the base branch hasn't"
    return f"{what}: no credentials were sent there. If it is meant, set the variable PORT_BASE_URL to it"


def _base_url(specs: Path, environment: str) -> str:
    """What the specs of the base branch say, if they know the environment at all."""
    try:
        return load_project(specs, environment)[0].base_url
    except UsageError:
        return ""


def _made(settings: Settings, findings: Findings, options: Options, offline: Offline) -> Made:
    compared_with = "live" if _has_credentials(settings) and not offline.why else offline.name
    if findings.count("error"):
        return Made(None, compared_with, failure=f"{findings.count('error')} error(s) in the specs")
    if compared_with == "nothing":
        return Made(None, compared_with, failure=offline.why or NOTHING)
    try:
        specs = read_specs(settings.specs, settings.environment)
        specs.compiled()
        return (
            _live(settings, specs, options) if compared_with == "live" else _offline(settings, specs, options, offline)
        )
    except InvalidSpecsError as error:
        problems = from_workspace(Findings(error.problems), settings).problems
        return Made(None, compared_with, failure=error.message, problems=problems)
    except PortcfgError as error:
        return Made(None, compared_with, failure=told(error))


def _has_credentials(settings: Settings) -> bool:
    return settings.is_local or bool(settings.value("client_id")[1] and settings.value("client_secret")[1])


def _live(settings: Settings, specs: Specs, options: Options) -> Made:
    binding = binding_of(settings, specs, options)
    with reading(settings, specs) as port:
        plan = plan_specs(specs, port, options)
    bound = "" if plan.refusals else planfile.save(plan, binding, settings.plan_key)
    return Made(plan, "live", planfile.changes_digest(plan, binding, settings.plan_key), bound)


def _offline(settings: Settings, specs: Specs, options: Options, offline: Offline) -> Made:
    try:
        plan, compared_with = offline_plan(specs, options, against=offline.against, base=offline.base, now=utc_now())
    except UsageError as error:
        if not (offline.against and offline.base):
            raise
        # A snapshot of an older portcfg, say: a plan against less is better than none.
        plan, compared_with = offline_plan(specs, options, base=offline.base)
        plan = replace(plan, notes=(f"the snapshot can't be compared with: {told(error)}", *plan.notes))
    plan = replace(plan, notes=(*filter(None, (offline.why,)), *plan.notes))
    binding = binding_of(settings, specs, options)
    return Made(plan, compared_with, planfile.changes_digest(plan, binding, settings.plan_key))


def _write(out: Path, review: Review, event: Event, code: int, bound: str, findings: Findings) -> None:
    files = {
        folder.COMMENT: comment(review),
        folder.SUMMARY: summary(review),
        folder.SARIF: problems_sarif(replace(findings, problems=review.problems)),
        **({folder.PLAN: plan_json(review.plan) + "\n"} if review.plan else {}),
        **({folder.BOUND: bound} if bound else {}),
    }
    folder.write_folder(out, folder.review_body(review, event, code), files)


def _outputs(review: Review, findings: Findings, code: int) -> dict[str, str]:
    plan = review.plan
    counts = {name: str(plan.count(action) if plan else 0) for name, action in COUNTS.items()}
    findings = replace(findings, problems=review.problems)
    found = {f"{severity}s": str(findings.count(severity)) for severity in ("error", "warning", "info")}
    return {
        "has-changes": str(bool(plan and plan.pending)).lower(),
        **counts,
        "renames": str(plan.moved if plan else 0),
        "risk": review.risk.value,
        "plan-digest": review.digest,
        "compared-with": review.compared_with,
        "artifact": review.artifact,
        **found,
        "exit-code": str(code),
    }


def _tell(review: Review, findings: Findings, out: Path) -> None:
    """How it went, in the log; what keeps a pull request from being applied is an annotation."""
    if review.plan:
        say(headline(review.plan))
        for refusal in review.plan.refusals:
            click.echo(annotation("error", "portcfg: the plan is refused", plain(refusal)))
    elif not findings.count("error"):
        # Errors in the specs have annotations of their own, of which GitHub shows only ten.
        click.echo(annotation("error", "portcfg: no plan", plain(review.failure)))
    say(f"wrote {out}")
