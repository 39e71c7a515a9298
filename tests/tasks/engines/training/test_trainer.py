"""Fine-tuning on a random Llama. Most tests run the child's code in this process: its imports take 10 s."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

from tasks.domain.errors import TrainerFailed, UserError
from tasks.domain.schema import Example, to_table
from tasks.domain.settings import FinetuneSettings
from tasks.engines.training import trainer
from tasks.engines.training.trainer import TrainJob, train
from tasks.processes.guard import spawn

PLAIN = FinetuneSettings(
    epochs=1, batch_size=8, learning_rate=1e-3, warmup_share=0.0, schedule="constant", max_length=64
)


def example(at, weight=1.0):
    return Example(f"p{at}", at, f"{at}+{at}=?\n", "so " * (at % 4) + f"{2 * at}\n#{2 * at}", weight, 1.0)


ROWS = [example(at) for at in range(20)]


@pytest.fixture(scope="session")
def base(tiny_llama):
    return tiny_llama(0)


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


@pytest.fixture
def make_job(base, tmp_path):
    def make(rows=ROWS, name="out", resume=False, **settings):
        data = tmp_path / f"{name}.parquet"
        pq.write_table(to_table(rows, Example), data)
        chosen = PLAIN.model_copy(update=settings)
        return TrainJob(base, (data,), tmp_path / name, chosen, len(rows), "test", resume)

    return make


def run_here(job):
    """The child's part, in this process; the same errors as `train`."""
    from tasks.engines.training import trl_sft

    trainer._prepare(job)
    code = trl_sft.main(str(job.output_dir / trainer.JOB_FILE))
    if code:
        raise trainer._failure(job, code, job.output_dir / "log", 0)
    return trainer._result(job, 0.0)


def weights(result, epoch=-1):
    return load_file(result.epochs[epoch].path / "model.safetensors")


def assert_same_bits(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def nll(base, rows):
    """Summed negative log-likelihood and token count of each row's target, straight from the model."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(base), AutoModelForCausalLM.from_pretrained(base)
    found = []
    for row in rows:
        prompt, whole = tokenizer(row.prompt)["input_ids"], tokenizer(row.prompt + row.completion)["input_ids"] + [2]
        logits = model(torch.tensor([whole])).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
        target = torch.tensor(whole[len(prompt) :])
        found.append((-logits[torch.arange(len(target)), target].sum().item(), len(target)))
    return found


def test_a_child_trains_and_leaves_folders_like_the_base(make_job, base, tmp_path):
    job, seen = make_job(epochs=2, report_to=("tensorboard",)), []
    result = train(job, on_progress=seen.append, log_path=tmp_path / "log")
    assert [epoch.path.name for epoch in result.epochs] == ["epoch-1", "epoch-2"]
    assert [epoch.steps for epoch in result.epochs] == [3, 6]
    assert result.epochs[1].train_loss < result.epochs[0].train_loss
    assert [now.step for now in seen] == [1, 2, 3, 4, 5, 6]
    assert {now.steps for now in seen} == {6}
    assert seen[-1].tokens == result.tokens > 0
    assert result.versions["trl"]
    assert result.threads == int(trainer.environment(job)["OMP_NUM_THREADS"])
    assert result.peak_bytes > 200 << 20  # the libraries alone
    for epoch in result.epochs:
        assert {file.name for file in epoch.path.iterdir()} == {file.name for file in base.iterdir()}
        for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
            assert (epoch.path / name).read_bytes() == (base / name).read_bytes()
        assert json.loads((epoch.path / "config.json").read_text())["dtype"] == "float32"
        assert all(values.dtype == np.float32 for values in load_file(epoch.path / "model.safetensors").values())
    assert not list(job.output_dir.glob("cache/*"))
    assert list(job.output_dir.glob("logs/tensorboard/*/*tfevents*"))


def test_a_training_reports_to_mlflow_in_the_experiment_of_its_run(make_job, tmp_path, monkeypatch):
    from mlflow.tracking import MlflowClient

    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):  # MLflow sets them in a process that used it
        monkeypatch.delenv(name, raising=False)
    job = replace(make_job(report_to=("mlflow",)), tracking=tmp_path / "trackers", experiment="the-run")
    train(job, log_path=tmp_path / "log")
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/trackers/mlflow.db")
    experiment = client.get_experiment_by_name("restem-the-run")
    (found,) = client.search_runs([experiment.experiment_id])
    assert found.info.run_name == job.run_name
    assert client.get_metric_history(found.info.run_id, "loss")


def test_the_loss_is_the_mean_over_target_tokens(make_job, base):
    result = run_here(make_job(batch_size=20))
    pairs = nll(base, ROWS)
    assert result.history[0]["loss"] == pytest.approx(sum(a for a, _ in pairs) / sum(n for _, n in pairs), rel=1e-5)


def test_weights_weigh_each_target_token(make_job, base):
    rows = [replace(row, weight=1.0 + at % 3) for at, row in enumerate(ROWS)]
    wanted = [(row.weight * a, row.weight * n) for row, (a, n) in zip(rows, nll(base, rows), strict=True)]
    one_batch = run_here(make_job(rows, batch_size=20))
    assert one_batch.history[0]["loss"] == pytest.approx(
        sum(a for a, _ in wanted) / sum(n for _, n in wanted), rel=1e-5
    )
    accumulated = run_here(make_job(rows, "accumulated", batch_size=5, accumulation=4))
    assert accumulated.history[0]["loss"] == pytest.approx(one_batch.history[0]["loss"], rel=1e-5)
    assert accumulated.history[0]["grad_norm"] == pytest.approx(one_batch.history[0]["grad_norm"], rel=1e-4)


def test_weight_two_is_the_row_twice_and_weight_zero_no_row(make_job):
    weighted = run_here(make_job([replace(ROWS[0], weight=2.0), ROWS[1], replace(ROWS[2], weight=0.0)]))
    doubled = run_here(make_job([ROWS[0], ROWS[0], ROWS[1]], "doubled"))
    plain = run_here(make_job(ROWS[:2], "plain"))
    for key in ("loss", "grad_norm"):
        assert weighted.history[0][key] == pytest.approx(doubled.history[0][key], rel=1e-5)
        assert weighted.history[0][key] != pytest.approx(plain.history[0][key], rel=1e-3)
    for name, values in weights(weighted).items():
        np.testing.assert_allclose(values, weights(doubled)[name], atol=1e-4, err_msg=name)
    assert_same_bits(weights(plain), weights(run_here(make_job([*ROWS[:2], replace(ROWS[2], weight=0.0)], "zero"))))


def test_the_same_job_gives_the_same_bits(make_job):
    assert_same_bits(weights(run_here(make_job(epochs=2))), weights(run_here(make_job(name="again", epochs=2))))
    assert run_here(make_job(seed=1)).history != run_here(make_job(seed=0)).history


def test_packing_gives_the_loss_of_separate_rows(make_job):
    packed, separate = run_here(make_job(packing=True, batch_size=20)), run_here(make_job(name="apart", batch_size=20))
    assert packed.history[0]["loss"] == pytest.approx(separate.history[0]["loss"], rel=1e-5)
    assert packed.history[0]["grad_norm"] == pytest.approx(separate.history[0]["grad_norm"], rel=1e-4)


def test_packing_and_different_weights_exclude_each_other(make_job):
    with pytest.raises(UserError, match="packing"):
        run_here(make_job([replace(ROWS[0], weight=2.0), ROWS[1]], packing=True))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_lora_leaves_merged_weights(make_job, base, dtype):
    result = run_here(make_job(lora_rank=2, epochs=2, learning_rate=1e-2, dtype=dtype))
    before = load_file(base / "model.safetensors")
    after = weights(result)
    assert after.keys() == before.keys()
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {name for name in before if "_proj" in name}
    assert all(values.dtype == np.float32 for values in after.values())
    assert nll(result.epochs[1].path, ROWS[:1]) < nll(base, ROWS[:1])


@pytest.mark.parametrize("settings", [{"dtype": "bfloat16"}, {"gradient_checkpointing": True}])
def test_settings_that_only_change_how_it_is_computed(make_job, settings):
    plain, other = run_here(make_job()), run_here(make_job(name="other", **settings))
    assert other.epochs[0].train_loss == pytest.approx(plain.epochs[0].train_loss, rel=1e-2)
    assert all(values.dtype == np.float32 for values in weights(other).values())


def test_a_loss_that_is_no_number_ends_the_training(make_job):
    with pytest.raises(UserError, match="learning_rate"):
        run_here(make_job(epochs=3, learning_rate=1e30))


@pytest.mark.parametrize(
    "settings", [{"optimizer": "adafactor"}, {"attn_implementation": "eager"}, {"weights_dtype": "bfloat16"}]
)
def test_what_is_handed_to_the_trainer_trains(make_job, settings):
    plain, other = run_here(make_job(name="plain")), run_here(make_job(**settings))
    assert other.history[0]["loss"] == pytest.approx(plain.history[0]["loss"], rel=0.02)
    if "attn_implementation" not in settings:
        assert any(not np.allclose(one, weights(other)[name], atol=1e-6) for name, one in weights(plain).items())


@pytest.mark.parametrize(
    "settings, found",
    [({"liger": True}, "liger_kernel"), ({"quantized_base": "nf4", "lora_rank": 2}, "bitsandbytes"), ({"quantized_base": "nf4"}, "lora_rank")],
)  # fmt: skip
def test_what_this_machine_cannot_do_is_refused_with_the_remedy(make_job, tmp_path, settings, found):
    with pytest.raises(UserError, match=found):
        train(make_job(**settings), log_path=tmp_path / "log")


def test_settings_that_were_added_later_are_in_the_key_only_where_they_are_set():
    content = FinetuneSettings().content()
    assert not FinetuneSettings.LATER & content.keys()
    assert FinetuneSettings(optimizer="adafactor").content() == {**content, "optimizer": "adafactor"}


class Interrupted(Exception):
    pass


def interrupt_after(monkeypatch, steps):
    from tasks.engines.training import sft_loop

    append = sft_loop.ReportProgress._append

    def limited(self, state, logs):
        append(self, state, logs)
        if state.global_step == steps:
            raise Interrupted

    monkeypatch.setattr(sft_loop.ReportProgress, "_append", limited)


@pytest.mark.parametrize("lora_rank", [0, 2])
def test_a_resumed_training_ends_with_the_same_bits(make_job, monkeypatch, lora_rank):
    settings = {"epochs": 3, "lora_rank": lora_rank, "lora_dropout": 0.1, "schedule": "cosine"}
    undisturbed = run_here(make_job(name="undisturbed", **settings))
    with monkeypatch.context() as patch:
        interrupt_after(patch, 5)
        with pytest.raises(Interrupted):
            run_here(make_job(**settings))
    job = make_job(resume=True, **settings)
    made_at = (job.output_dir / "epoch-1" / "config.json").stat().st_mtime_ns
    (job.output_dir / "state" / "checkpoint-6").mkdir()
    (job.output_dir / "epoch-2.partial").mkdir()
    resumed = run_here(job)
    assert (job.output_dir / "epoch-1" / "config.json").stat().st_mtime_ns == made_at
    first = json.loads((job.output_dir / trainer.PROGRESS_FILE).read_text().splitlines()[0])
    assert first["step"] == 4
    for epoch in range(3):
        assert_same_bits(weights(resumed, epoch), weights(undisturbed, epoch))
    assert [one.train_loss for one in resumed.epochs] == [one.train_loss for one in undisturbed.epochs]
    assert not list(job.output_dir.glob("*.partial"))
    assert [folder.name for folder in (job.output_dir / "state").iterdir()] == ["checkpoint-9"]


def test_a_long_epoch_is_gone_on_with_in_its_middle(make_job, monkeypatch):
    from tasks.engines.training import sft_loop

    settings = {"epochs": 2, "batch_size": 2, "accumulation": 2, "lora_rank": 2, "lora_dropout": 0.1}
    undisturbed = run_here(make_job(name="undisturbed", **settings))
    with monkeypatch.context() as patch:
        patch.setattr(sft_loop, "STATE_EVERY_S", 0.0)
        interrupt_after(patch, 8)
        with pytest.raises(Interrupted):
            run_here(make_job(**settings))
    resumed = run_here(make_job(resume=True, **settings))
    first = json.loads((resumed.epochs[0].path.parent / trainer.PROGRESS_FILE).read_text().splitlines()[0])
    assert first["step"] == 8
    assert_same_bits(weights(resumed), weights(undisturbed))
    assert [one.train_loss for one in resumed.epochs] == [one.train_loss for one in undisturbed.epochs]


@pytest.mark.parametrize("steps", [2, 5])
def test_training_by_steps_ends_at_its_step_with_one_checkpoint(make_job, steps):
    """An epoch of these rows has 3 steps, so one ends within the first epoch and one within the second."""
    result = run_here(make_job(steps=steps, epochs=4))
    assert [(one.epoch, one.steps) for one in result.epochs] == [(1, steps)]
    assert [entry["step"] for entry in result.history][-1] == steps


def test_as_many_steps_as_an_epoch_has_give_its_bits(make_job):
    assert_same_bits(weights(run_here(make_job(steps=3))), weights(run_here(make_job(name="epoch"))))


def test_training_by_steps_is_gone_on_with_where_it_was_left(make_job, monkeypatch):
    from tasks.engines.training import sft_loop

    undisturbed = run_here(make_job(name="undisturbed", steps=5))
    with monkeypatch.context() as patch:
        patch.setattr(sft_loop, "STATE_EVERY_S", 0.0)
        interrupt_after(patch, 4)
        with pytest.raises(Interrupted):
            run_here(make_job(steps=5))
    assert not (make_job(steps=5).output_dir / "epoch-1").exists(), "a state within the training is no policy"
    assert_same_bits(weights(run_here(make_job(resume=True, steps=5))), weights(undisturbed))


def test_a_finished_training_is_not_repeated_and_its_last_folder_made_again(make_job):
    first = run_here(make_job(epochs=2))
    before = weights(first)
    (first.epochs[1].path / "model.safetensors").unlink()
    first.epochs[1].path.rename(first.epochs[1].path.with_suffix(".partial"))
    again = run_here(make_job(epochs=2, resume=True))
    assert_same_bits(weights(again), before)
    assert again.epochs == first.epochs
    assert not (again.epochs[0].path.parent / trainer.PROGRESS_FILE).exists()


def test_the_state_of_another_training_is_not_gone_on_from(make_job):
    fresh = run_here(make_job(ROWS[:10], "fresh"))
    run_here(make_job(epochs=2))
    result = run_here(make_job(ROWS[:10], resume=True))
    assert_same_bits(weights(result), weights(fresh))
    assert sorted(folder.name for folder in result.epochs[0].path.parent.glob("epoch-*")) == ["epoch-1"]


def test_without_resume_nothing_of_an_earlier_run_stays(make_job):
    run_here(make_job(epochs=2))
    result = run_here(make_job())
    assert sorted(folder.name for folder in result.epochs[0].path.parent.glob("epoch-*")) == ["epoch-1"]


def test_rows_of_a_batch_have_similar_lengths_in_an_order_of_the_seed_and_epoch():
    from tasks.engines.training.sft_loop import SimilarLengths

    lengths = list(np.random.default_rng(0).integers(10, 100, 1003))
    sampler = SimilarLengths(lengths, 16, 0)
    orders = [list(sampler), list(sampler)]
    sampler.set_epoch(1)
    orders.append(list(sampler))
    assert orders[0] == orders[1] != orders[2]
    for order in orders:
        assert sorted(order) == list(range(1003))
        batches = [[lengths[row] for row in order[at : at + 16]] for at in range(0, 1003, 16)]
        assert sum(len(batch) * max(batch) for batch in batches) < 1.2 * sum(lengths)


@pytest.mark.parametrize(
    "settings, found", [({"dtype": "float16"}, "float16 needs a GPU"), ({"processes": 2}, "needs as many GPUs")]
)
def test_what_needs_a_gpu_is_refused_before_anything_starts(make_job, tmp_path, settings, found):
    with pytest.raises(UserError, match=found):
        train(make_job(**settings), log_path=tmp_path / "log")
    assert not (tmp_path / "log").exists()


def test_a_missing_tracker_is_refused(make_job, tmp_path, monkeypatch):
    monkeypatch.setattr(trainer.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="wandb"):
        train(make_job(report_to=("wandb",)), log_path=tmp_path / "log")


def test_an_unknown_base_is_refused(make_job, tmp_path):
    with pytest.raises(UserError, match=r"no config\.json"):
        train(replace(make_job(), base_path=tmp_path / "nowhere"), log_path=tmp_path / "log")


def test_a_row_that_is_too_long_is_refused_by_the_child(make_job, tmp_path):
    with pytest.raises(UserError, match=r"row p11/11 has 25 tokens, more than max_length = 20"):
        train(make_job(max_length=20), log_path=tmp_path / "log")


def test_a_crash_is_told_with_its_reason_and_log(make_job, tmp_path):
    job = make_job()
    job.data_files[0].write_text("no parquet")
    with pytest.raises(TrainerFailed, match=f"fine-tuning failed: ArrowInvalid: .*the log is {tmp_path / 'log'}"):
        train(job, log_path=tmp_path / "log")
    assert "Traceback" in (tmp_path / "log").read_text()


def test_a_silent_death_is_told_with_the_first_error_line_of_this_run(make_job, tmp_path):
    log = tmp_path / "log"
    log.write_text("OldError: an earlier run\nTraceback\ntorch.cuda.SomeError: lost\nOtherError: later\n")
    error = trainer._failure(make_job(), -9, log, log_start=24)
    assert isinstance(error, TrainerFailed)
    assert (
        str(error)
        == f"fine-tuning was killed by signal 9 (out of memory?): torch.cuda.SomeError: lost; the log is {log}"
    )


def test_too_little_gpu_memory_is_a_mistake_with_a_remedy(make_job):
    from tasks.engines.training.trl_sft import _as_error

    error = type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory")
    assert _as_error(error, make_job())["kind"] == "user"
    assert "gradient_checkpointing" in _as_error(error, make_job())["message"]


def test_time_runs_out(make_job, tmp_path):
    with pytest.raises(TrainerFailed, match=r"stopped after 0\.3 s"):
        train(make_job(timeout_s=0.3), log_path=tmp_path / "log")


def test_jobs_survive_json(make_job):
    job = make_job(epochs=2, lora_rank=4)
    assert TrainJob.from_json(job.to_json()) == job


def test_one_process_on_the_cpu_needs_no_launcher(make_job, monkeypatch):
    assert trainer.command(make_job())[1:3] == ["-m", "tasks.engines.training.trl_sft"]
    launched = trainer.command(make_job(accelerate_args=("--num_cpu_threads_per_process", "1")))
    assert launched[1:3] == ["-m", "accelerate.commands.launch"]
    assert "--cpu" in launched
    assert launched[-3:-1] == ["-m", "tasks.engines.training.trl_sft"]
    monkeypatch.setattr(trainer, "gpu_visible", lambda: True)
    assert "--cpu" not in trainer.command(make_job())


def test_importing_the_trainer_is_light():
    program = "import sys, tasks.engines.training.trainer; print([m for m in ('torch', 'trl', 'transformers') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.heavy
def test_killed_in_the_second_epoch_it_goes_on_from_the_first(make_job, tmp_path):
    settings = {"epochs": 3, "batch_size": 1}
    undisturbed = train(make_job(name="undisturbed", **settings), log_path=tmp_path / "log-0")
    job = make_job(**settings)
    trainer._prepare(job)
    progress = job.output_dir / trainer.PROGRESS_FILE
    with spawn(
        trainer.command(job), env=trainer.environment(job), log_path=tmp_path / "log-1", cwd=job.output_dir
    ) as child:
        while not (progress.exists() and progress.read_text().count("\n") > 25):
            assert child.poll() is None
            time.sleep(0.001)
        os.kill(child.pid, signal.SIGKILL)
        assert child.wait(30) == -signal.SIGKILL
    assert (job.output_dir / "epoch-1").exists()
    assert not (job.output_dir / "epoch-3").exists()
    seen = []
    resumed = train(replace(job, resume=True), on_progress=seen.append, log_path=tmp_path / "log-1")
    assert seen[0].step > 20
    assert_same_bits(weights(resumed), weights(undisturbed))


@pytest.mark.heavy
def test_the_launcher_trains_the_same(make_job, tmp_path):
    launched = train(make_job(accelerate_args=("--num_cpu_threads_per_process", "1")), log_path=tmp_path / "log")
    direct = train(make_job(name="direct"), log_path=tmp_path / "log")
    assert math.isclose(launched.epochs[0].train_loss, direct.epochs[0].train_loss, rel_tol=1e-5)


@pytest.mark.heavy
def test_leaving_by_an_exception_ends_the_child(make_job, tmp_path):
    def refuse(now):
        raise Interrupted

    with pytest.raises(Interrupted):
        train(make_job(epochs=100), on_progress=refuse, log_path=tmp_path / "log")
    assert not (tmp_path / "out" / trainer.RESULT_FILE).exists()
