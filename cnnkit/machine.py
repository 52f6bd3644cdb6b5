"""On what a final run computes: the devices, how they share the work, and which of several processes this is."""

import contextlib
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass

import keras

import cnnkit

__all__ = ["Machine", "alone", "precision"]


@dataclass(frozen=True)
class Machine:
    """On what a run computes: devices, how work is shared among them, and which process this is."""

    devices: tuple[str, ...]
    process: int = 0
    processes: int = 1
    strategy: object = None

    @classmethod
    def found(cls) -> "Machine":
        """Look at what there is. The first call of a process must come before anything is computed on a GPU."""
        process, processes, strategy = 0, 1, None
        if int(os.environ.get("KERAS_DISTRIBUTION_NUM_PROCESSES", 1)) > 1:
            process, processes = _join()
        tensorflow = keras.backend.backend() == "tensorflow"
        if tensorflow:
            _grow_memory()
        try:
            devices = tuple(keras.distribution.list_devices())
        except (AttributeError, NotImplementedError):
            devices = (keras.backend.backend(),)  # PyTorch's, which finds its device by itself
        if len(devices) > 1 and tensorflow:
            import tensorflow as tf

            strategy = tf.distribute.MirroredStrategy(list(devices))
        elif len(devices) > 1 and keras.backend.backend() == "jax":
            strategy = keras.distribution.DataParallel(devices=list(devices), auto_shard_dataset=False)
        return cls(devices, process, processes, strategy)

    @property
    def gpu(self) -> bool:
        return any("gpu" in device.lower() or "cuda" in device.lower() for device in self.devices)

    @property
    def chief(self) -> bool:
        """True for the one process that writes."""
        return self.process == 0

    @property
    def policy(self) -> str:
        """Keras's dtype policy: a GPU computes twice as fast and more in 16 bits; the weights keep 32."""
        return "mixed_bfloat16" if self.gpu else "float32"

    def shared(self):
        """Return a context in which networks are built and trained on all devices."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    def facts(self) -> dict:
        """Return what the report says of the machine."""
        return {
            "devices": list(self.devices),
            "processes": self.processes,
            "precision": self.policy,
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "system": platform.system(),
            "python": platform.python_version(),
            "keras": keras.version(),
            "backend": keras.backend.backend(),
            "cnnkit": cnnkit.__version__,
        }


def _join() -> tuple[int, int]:
    """Meet the other processes; return this one's number, and how many there are."""
    if keras.backend.backend() != "jax":
        raise ValueError("run: several hosts need Keras's JAX backend; set KERAS_BACKEND=jax on each of them.")
    import jax

    if not jax.distributed.is_initialized():
        keras.distribution.initialize()
    return jax.process_index(), jax.process_count()


def _grow_memory() -> None:
    """Let TensorFlow take memory on a GPU as it needs it; by default it takes all, and the next notebook has none."""
    import tensorflow as tf

    for device in tf.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError):  # it is in use already, and stays as it is
            tf.config.experimental.set_memory_growth(device, True)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Leave JAX's shared devices for a moment, to predict or save on the first one, in this process alone."""
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


@contextlib.contextmanager
def precision(policy: str) -> Iterator[None]:
    """Set Keras's dtype policy for a while, and no longer: there may be a notebook around it."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
