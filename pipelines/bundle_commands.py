"""``run.py bundle``: the service in one file for a machine without internet, and who signed what.

Only light modules are imported up here; see run.py.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.writing import writing

if TYPE_CHECKING:
    from vision.bundles.keys import PublicKey

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
DONE = 0


@click.group(invoke_without_command=True)
@click.option("--output", type=_FILE, metavar="FILE.tar", help="By default MODEL-VERSION.tar here.")
@click.option("--model", type=_FOLDER, help="A bundle's folder; by default the newest champion.")
@click.option("--bento", type=_FOLDER, help="A built bento; by default it is built now.")
@click.option("--no-wheels", is_flag=True, help="Leave the packages out (some 250 MB).")
@click.pass_context
def bundle(
    context: click.Context,
    output: Path | None,
    model: Path | None,
    bento: Path | None,
    no_wheels: bool,
) -> None:
    """Writes one signed archive with all that the service needs without internet."""
    if context.invoked_subcommand is not None:
        if output or model or bento or no_wheels:
            raise click.UsageError(f"{context.invoked_subcommand} takes none of these options")
        return
    from steps.packaging.offline import make_offline
    from steps.packaging.offline_inputs import find_inputs
    from vision.bundles.keys import open_key
    from vision.bundles.manifest import read_manifest

    key = open_key()
    request = find_inputs(model, bento, has_wheels=not no_wheels)
    manifest = read_manifest(request.bundle)
    target = (output or Path(f"{manifest.name}-{manifest.version}.tar")).resolve()
    if request.image is None:
        click.echo(
            "no image of this bundle and bento has passed its test: the archive has none "
            "(make image image-test)"
        )
    with writing("--output", target):
        sealed = make_offline(request, target, key)
    click.echo(
        f"{target}: {sealed.n_files} files, {sealed.n_bytes / 1e6:.0f} MB, signed with key "
        f"{sealed.key.id}\npublic key, for `run.py bundle verify --key`: {sealed.key.text}"
    )


@bundle.command()
@click.argument("archive", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--key", metavar="KEY|FILE", help="Who must have signed it; else your own key.")
def verify(archive: Path, key: str | None) -> int:
    """Checks list, signature and every file of ARCHIVE; unpacks nothing."""
    from steps.packaging.sealed_archive import verify_sealed

    sealed = verify_sealed(archive, _trusted(key))
    click.echo(
        f"{archive}: {sealed.root}, {sealed.n_files} files, {sealed.n_bytes / 1e6:.0f} MB, all as "
        f"signed with key {sealed.key.id}"
    )
    return DONE


@bundle.command()
@click.argument("folder", type=_FOLDER)
def sign(folder: Path) -> int:
    """Signs the bundle in FOLDER with this machine's key, once its files are as in its manifest."""
    from vision.bundles.files import verify_files
    from vision.bundles.keys import open_key
    from vision.bundles.manifest import read_manifest
    from vision.bundles.signature import sign_bundle

    verify_files(folder, read_manifest(folder))
    key = open_key()
    click.echo(f"{sign_bundle(folder, key)}: signed with key {key.public.id}")
    return DONE


@bundle.command("key")
def show_key() -> int:
    """Prints this machine's public key, which is made if there is none yet."""
    from vision.bundles.keys import open_key

    click.echo(open_key().public.text)
    return DONE


def _trusted(key: str | None) -> tuple[PublicKey, ...]:
    from vision.bundles.keys import KeyUnusableError, key_path, public_path, read_keys

    named = key or os.environ.get("VISIONSTACK_TRUSTED_KEYS")
    if named:
        return read_keys(named)
    if key_path().exists():
        return (_own(),)
    if not public_path().exists():
        raise KeyUnusableError(
            "nobody is trusted yet: name the signer's public key with --key, or in "
            "VISIONSTACK_TRUSTED_KEYS; the key in the archive proves nothing"
        )
    return read_keys(str(public_path()))


def _own() -> PublicKey:
    """Asks the signing key itself: the file beside it may be that of a key before it."""
    from vision.bundles.keys import KeyUnusableError, open_key

    try:
        return open_key().public
    except KeyUnusableError as error:
        raise KeyUnusableError(f"{error}; or name the signer's public key with --key") from error
