"""Settings: `kb.toml` and a few environment variables become one frozen object.

The home folder holds `kb.toml` and, unless `[store] uri` says otherwise, the store. It is the folder given with
`--home`, else `$KB_HOME`, else the nearest folder upwards with a `kb.toml`, else the user's data folder.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from kb.errors import InvalidInput, SettingsError

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"

TEMPLATE = """\
# Papertide's settings. Every line that is commented out shows its default.

[store]
# uri = "store"            # a folder beside this file, or an object store such as "s3://bucket/papertide"

[network]
# contact = "you@example.org"   # sent in the User-Agent, as arXiv and others ask
# keep_answers = true           # keep what sources sent, compressed, in raw/: `kb refresh --replay` parses it again

[embedding]
# model = "sentence-transformers/all-MiniLM-L6-v2"   # any sentence-transformers model
# max_tokens = 256
# engine = "auto"          # "torch" or "openvino" (int8 on a CPU); "auto" tests which is faster, and then stays with it
# dimensions = 256         # keep only the first numbers of each vector, for models trained for it (Matryoshka)
# prompts = { document = "passage: ", query = "query: " }   # instead of the model's own

[compute]
# engine = "local"         # "ray" embeds on a Ray cluster: pip install "papertide[ray]"
# address = ""             # the cluster's, such as "ray://head:10001"; empty starts one on this machine

[topics]
# taxonomy = "taxonomy.toml"   # your own themes instead of the packaged ones
# extra = "my_themes.toml"     # themes of yours beside them: [[groups]] with [[groups.themes]], as in the packaged file

# [topics.names]               # names that you give to clusters; they stick
# c0001 = "Low-rank adapters for fine-tuning"

[merging]
# keep_apart = [["arxiv:2006.11239", "doi:10.1000/182"]]   # pairs that are not the same work

[removal]
# papers = ["arxiv:2006.11239"]   # taken out of everything by the next refresh, and kept out; earlier runs are erased
# authors = ["Ada Lovelace"]      # the same for every paper that bears this name

[site]
# publish_abstracts = "licensed"  # or "all", or "none": which abstracts exports and the site may show
# publish_model = true            # the search page may hand out your own embedding model (the default one's licence allows it)

# The sources that `kb refresh` reads when no --source is given. One table each; remove what you do not want.
[sources.starter]          # the reading list that ships with Papertide

# [sources.arxiv]          # live, through arXiv's API (one request per 3 seconds)
# categories = ["cs.LG", "stat.ML"]

# [sources.arxiv_feed]     # what arXiv announced today, in one request: for a daily run
# categories = ["cs.LG", "stat.ML"]

# [sources.arxiv_oai]      # live, through OAI-PMH: what changed, by the thousand
# sets = ["cs", "stat"]
# categories = ["cs.LG", "stat.ML"]

# [sources.arxiv_snapshot]
# location = "arxiv-metadata-oai-snapshot.json"

# [sources.paperlists]
# location = "paperlists"

# [sources.acl_anthology]
# venues = ["acl", "emnlp", "findings"]
# years = [2024, 2025]

# [sources.pmlr]
# venues = ["icml", "aistats"]
# years = [2024, 2025]

# [sources.openreview]
# venues = ["iclr", "neurips", "icml", "colm", "tmlr"]
# years = [2024, 2025]
# rejected = false         # true takes rejected and withdrawn submissions too, where they are public

# [sources.neurips]        # a page a paper, one a second: a year takes about an hour, once
# years = [2019, 2020]

# [sources.cvf]            # likewise
# venues = ["cvpr", "iccv", "wacv"]
# years = [2024, 2025]

# [sources.files]          # your own papers: .jsonl, .json, .csv, .tsv, .bib, .ris, each also .gz
# location = "mine.csv"
# columns = { title = "Paper title", published = "Year" }   # where a column's name is not the usual one
"""


ABSTRACTS = ("licensed", "all", "none")
ENGINES = ("auto", "torch", "openvino")
COMPUTE = ("local", "ray")


@dataclass(frozen=True, slots=True)
class Removal:
    """What was asked to be removed: papers by any of their identifiers, and authors by their whole name."""

    papers: frozenset[str] = frozenset()
    authors: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Settings:
    """What one knowledge base is told to do.

    Attributes:
        home: the folder of `kb.toml`; benchmarks' results and the site's workspace lie there too.
        store_uri: where LanceDB keeps its tables: a folder or an object-store address.
        model: the embedding model's id.
        max_tokens: longer texts are cut to this many word pieces.
        engine: what embeds: "torch", "openvino" (int8 on a CPU) or "auto" (whichever is faster, then always the same).
        dimensions: how many numbers of each vector are kept, or None for all.
        prompts: texts before every "document" or "query", instead of the model's own.
        compute: where texts are embedded: "local" or "ray".
        ray_address: the Ray cluster's address; empty starts one on this machine.
        taxonomy: a taxonomy file of the user's own, or None for the packaged one.
        extra_themes: a file of themes that are added to the taxonomy, or None.
        cluster_names: names given by hand, by cluster id.
        keep_apart: pairs of identifiers that merging must not unite.
        removal: works that must be forgotten and stay out.
        publish_abstracts: which abstracts may be published: those whose licence allows it ("licensed"), "all" or "none".
        publish_model: whether the site may carry the weights of a model that is not the default one.
        contact: the user's address for the User-Agent.
        keep_answers: whether sources' answers are kept in the home folder's `raw`.
        sources: the sources that a plain refresh reads, with the options of each, in the file's order.
    """

    home: Path
    store_uri: str
    model: str = DEFAULT_MODEL
    max_tokens: int = 256
    engine: str = "auto"
    dimensions: int | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)
    compute: str = "local"
    ray_address: str = ""
    taxonomy: Path | None = None
    extra_themes: Path | None = None
    cluster_names: Mapping[str, str] = field(default_factory=dict)
    keep_apart: tuple[tuple[str, str], ...] = ()
    removal: Removal = Removal()
    publish_abstracts: str = "licensed"
    publish_model: bool = False
    contact: str = ""
    keep_answers: bool = True
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"starter": {}})


def find_home(given: Path | None = None, environment: Mapping[str, str] = os.environ, start: Path | None = None) -> Path:
    """Return the home folder: `given`, else `$KB_HOME`, else the nearest `kb.toml`'s, else the user data folder."""
    if given is not None:
        return given.expanduser().resolve()
    if environment.get("KB_HOME"):
        return Path(environment["KB_HOME"]).expanduser().resolve()
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "kb.toml").is_file():
            return folder
    return Path(platformdirs.user_data_dir("papertide", appauthor=False))


def load(home: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings of one home folder; a folder without `kb.toml` has the defaults.

    `KB_STORE_URI`, `KB_MODEL` and `KB_ENGINE` override the file.

    Raises:
        SettingsError: the file is not TOML, names an unknown setting, or gives one the wrong type.
    """
    path = home / "kb.toml"
    told = _read(path)
    unknown = sorted(set(told) - {"store", "embedding", "compute", "topics", "merging", "network", "removal", "site", "sources"})
    if unknown:
        raise SettingsError(f"{path} has an unknown section", value=unknown[0], cure="`kb init` shows the known ones")
    store = _section(told, "store", {"uri": str}, path)
    embedding = _embedding(told, environment, path)
    compute = _section(told, "compute", {"engine": str, "address": str}, path)
    if compute.get("engine", "local") not in COMPUTE:
        raise SettingsError(f"{path}: compute.engine", value=compute["engine"], cure=f"One of {', '.join(COMPUTE)}")
    topics = _section(told, "topics", {"taxonomy": str, "extra": str, "names": dict}, path)
    merging = _section(told, "merging", {"keep_apart": list}, path)
    network = _section(told, "network", {"contact": str, "keep_answers": bool}, path)
    removal = _section(told, "removal", {"papers": list, "authors": list}, path)
    site = _section(told, "site", {"publish_abstracts": str, "publish_model": bool}, path)
    if site.get("publish_abstracts", "licensed") not in ABSTRACTS:
        cure = f"One of {', '.join(ABSTRACTS)}"
        raise SettingsError(f"{path}: site.publish_abstracts", value=site["publish_abstracts"], cure=cure)
    uri = environment.get("KB_STORE_URI") or store.get("uri", "store")
    return Settings(
        home=home,
        store_uri=uri if "://" in uri else str(home / Path(uri).expanduser()),
        **embedding,
        compute=compute.get("engine", "local"),
        ray_address=compute.get("address", ""),
        taxonomy=home / topics["taxonomy"] if "taxonomy" in topics else None,
        extra_themes=home / topics["extra"] if "extra" in topics else None,
        cluster_names=_names(topics.get("names", {}), path),
        keep_apart=_pairs(merging.get("keep_apart", []), path),
        removal=Removal(*(_texts(removal, name, path) for name in ("papers", "authors"))),
        publish_abstracts=site.get("publish_abstracts", "licensed"),
        publish_model=site.get("publish_model", False),
        contact=network.get("contact", ""),
        keep_answers=network.get("keep_answers", True),
        sources=_sources(told.get("sources", {"starter": {}}), path),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}", cure="Mend that line, or start again with `kb init`") from None
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", cure="Check its permissions") from None


def _section(told: dict[str, Any], name: str, known: Mapping[str, type], path: Path) -> dict[str, Any]:
    section = told.get(name, {})
    if not isinstance(section, dict):
        raise SettingsError(f"{path}: {name} must be a table", value=section, cure=f"Write [{name}] above its settings")
    for key, value in section.items():
        if key not in known:
            raise SettingsError(f"{path}: unknown setting {name}.{key}", cure=f"Known: {', '.join(known)}")
        if not isinstance(value, known[key]) or (isinstance(value, bool) and known[key] is not bool):
            raise SettingsError(f"{path}: {name}.{key} must be {known[key].__name__}", value=value, cure="Mend its type")
    return section


def _embedding(told: dict[str, Any], environment: Mapping[str, str], path: Path) -> dict[str, Any]:
    """Return the settings of `[embedding]` that are given."""
    known = {"model": str, "max_tokens": int, "engine": str, "dimensions": int, "prompts": dict}
    section = dict(_section(told, "embedding", known, path))
    for name, variable in (("model", "KB_MODEL"), ("engine", "KB_ENGINE")):
        if environment.get(variable):
            section[name] = environment[variable]
    if not 8 <= section.get("max_tokens", 256) <= 32_768:
        raise SettingsError(f"{path}: embedding.max_tokens", value=section["max_tokens"], cure="Use 8 to 32768")
    if section.get("engine", "auto") not in ENGINES:
        raise SettingsError(
            f"{path} or $KB_ENGINE: embedding.engine", value=section["engine"], cure=f"One of {', '.join(ENGINES)}"
        )
    if section.get("dimensions", 1) < 1:
        raise SettingsError(f"{path}: embedding.dimensions", value=section["dimensions"], cure="Use 1 or more")
    prompts = section.get("prompts", {})
    if not (set(prompts) <= {"document", "query"} and all(isinstance(text, str) for text in prompts.values())):
        cure = 'As in prompts = { document = "passage: ", query = "query: " }'
        raise SettingsError(f"{path}: embedding.prompts", value=prompts, cure=cure)
    return section


def _pairs(pairs: list[Any], path: Path) -> tuple[tuple[str, str], ...]:
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(item, str) for item in pair)):
            raise SettingsError(f"{path}: merging.keep_apart holds pairs of ids", value=pair, cure='As in [["id", "id"]]')
    return tuple((pair[0], pair[1]) for pair in pairs)


def _texts(section: dict[str, Any], name: str, path: Path) -> frozenset[str]:
    for item in section.get(name, []):
        if not isinstance(item, str) or not item.strip():
            raise SettingsError(f"{path}: removal.{name} holds texts", value=item, cure='As in ["arxiv:2006.11239"]')
    return frozenset(item.strip() for item in section.get(name, []))


def _names(names: Mapping[str, Any], path: Path) -> dict[str, str]:
    for cluster, name in names.items():
        if not (isinstance(name, str) and name.strip()):
            raise SettingsError(
                f"{path}: topics.names gives {cluster} no name", value=name, cure='As in c0001 = "Robot grasping"'
            )
    return {cluster: " ".join(name.split()) for cluster, name in names.items()}


def _sources(sources: Any, path: Path) -> dict[str, dict[str, Any]]:
    if not isinstance(sources, dict) or not all(isinstance(options, dict) for options in sources.values()):
        raise SettingsError(f"{path}: sources are tables", cure="Write [sources.starter], [sources.arxiv], ...")
    return sources
