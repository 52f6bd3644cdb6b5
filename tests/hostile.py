"""Answers that try to fool or to fell the grader, for tests/test_grade.py.

In each, the exercise `flip_twice` is attacked and two others are solved. ``{folder}`` is where the submissions are,
``{solutions}`` where the solutions are, ``{port}`` a port that somebody listens to.
"""

__all__ = ["ANSWERS", "RIGHT"]

RIGHT = "def flip_twice(image):\n    return image[::-1, ::-1]\n"
WRONG = "def flip_twice(image):\n    return image\n"

# By name: the statuses that are fair, and the code. Only what is really solved is worth the point.
ANSWERS: dict[str, tuple[tuple[str, ...], str]] = {
    "endless_loop": (("timeout",), "def flip_twice(image):\n    while True:\n        pass\n"),
    "endless_loop_without_signals": (
        ("timeout",),
        """
import signal

def flip_twice(image):
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
""",
    ),
    "loop_below_a_right_answer": (("right",), RIGHT + "while True:\n    pass\n"),
    "exit_below_a_right_answer": (("right",), RIGHT + "import os\nos._exit(0)\n"),
    "error_below_a_right_answer": (("right",), RIGHT + "assert False\n1 / 0\n"),
    "noisy_right_answer": (
        ("right",),
        "import sys, warnings\nwarnings.warn('hm')\n"
        "def flip_twice(image):\n    print('x' * 10**7)\n    print('y', file=sys.stderr)\n"
        "    return image[::-1, ::-1]\n",
    ),
    "fork_bomb": (
        ("timeout", "crashed", "wrong"),
        """
import os

def flip_twice(image):
    while True:
        try:
            os.fork()
        except OSError:
            pass
""",
    ),
    "orphans": (
        ("right", "wrong", "crashed"),
        """
import os, time

def flip_twice(image):
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(600)
            os._exit(0)
    return image[::-1, ::-1]
""",
    ),
    "threads": (
        ("wrong", "crashed", "timeout"),
        "import threading, time\ndef flip_twice(image):\n    while True:\n"
        "        threading.Thread(target=time.sleep, args=(600,)).start()\n",
    ),
    "thirty_gigabytes": (("crashed",), "def flip_twice(image):\n    return np.ones(30 * 2**27)\n"),
    "memory_bit_by_bit": (
        ("crashed", "timeout"),
        "def flip_twice(image):\n    kept = []\n    while True:\n        kept.append(bytearray(b'x') * 2**24)\n",
    ),
    "large_result": (("wrong", "crashed"), "def flip_twice(image):\n    return np.zeros((9000, 9000))\n"),
    "full_disk": (
        ("wrong", "crashed", "timeout"),
        """
def flip_twice(image):
    for number in range(10**6):
        with open(f"part{number}", "wb") as file:
            for _ in range(64):
                file.write(b"x" * 2**20)
    return image
""",
    ),
    "os_exit": (("crashed",), "import os\ndef flip_twice(image):\n    os._exit(0)\n"),
    "sys_exit": (("wrong",), "import sys\ndef flip_twice(image):\n    sys.exit()\n"),
    "segmentation_fault": (
        ("crashed", "wrong"),
        "import ctypes\ndef flip_twice(image):\n    return ctypes.string_at(0)\n",
    ),
    "kill_the_parent": (
        ("crashed", "wrong", "timeout"),
        """
import os, signal

def flip_twice(image):
    for pid in (os.getppid(), -1, 0, -os.getpgid(os.getppid() or 0)):
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    return image
""",
    ),
    "kill_all_one_by_one": (
        ("crashed", "wrong", "timeout"),
        """
import os, signal

def flip_twice(image):
    me = os.getpid()
    for pid in range(2, 70000):
        try:
            if pid != me:
                os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    return image
""",
    ),
    "another_submission": (
        ("suspicious", "wrong"),
        """
import json

def flip_twice(image):
    with open("{folder}/solved.ipynb") as file:
        cells = json.load(file)["cells"]
    space = {"np": np}
    exec(next("".join(cell["source"]) for cell in cells if cell["id"] == "flip-twice"), space)
    return space["flip_twice"](image)
""",
    ),
    "the_solutions": (
        ("suspicious", "wrong"),
        """
import json

def flip_twice(image):
    with open("{solutions}/flowers_preprocessing/flowers_preprocessing.ipynb") as file:
        cells = json.load(file)["cells"]
    space = {"np": np}
    exec(next("".join(cell["source"]) for cell in cells if cell["id"] == "flip-twice"), space)
    return space["flip_twice"](image)
""",
    ),
    "the_key": (
        ("suspicious", "wrong"),
        "from cnnkit.checks.key import load_key\n"
        "flip_twice = load_key('flowers_preprocessing', '{solutions}').reference('flip_twice')\n",
    ),
    "the_key_in_disguise": (
        ("suspicious", "wrong"),
        "def flip_twice(image):\n    import importlib\n    key = importlib.import_module('cnnkit.checks' + '.key')\n"
        "    return key.Key('flowers_preprocessing', key.Path('{solutions}')).reference('flip_twice')(image)\n",
    ),
    "patched_numpy": (
        ("suspicious",),
        "np.allclose = np.array_equal = np.testing.assert_allclose = lambda *a, **k: True\n" + WRONG,
    ),
    "patched_within": (
        ("suspicious",),
        "def flip_twice(image):\n    np.array_equal = lambda *a, **k: True\n"
        "    image[:] = image[::-1, ::-1].copy()\n    return image\n",
    ),
    "patched_judge": (
        ("suspicious", "wrong"),
        "import sys\nfor name, module in list(sys.modules.items()):\n"
        "    for word in ('same', 'judge', 'freeze', 'dumps', 'run', '_agrees'):\n"
        "        if name.startswith('cnnkit') and hasattr(module, word):\n"
        "            setattr(module, word, lambda *a, **k: True)\n" + WRONG,
    ),
    "swapped_instructions": (
        ("suspicious",),
        "import sys\nsys.modules['cnnkit.checks' + '.calls']._identical.__code__ = (lambda one, other: True).__code__\n"
        "def flip_twice(image):\n    image[:] = image[::-1, ::-1].copy()\n    return image\n",
    ),
    "the_history": (
        ("suspicious", "wrong"),
        "import os\ndef flip_twice(image):\n"
        "    return image[::-1, ::-1] if os.listdir(os.path.dirname('{solutions}') + '/.git') else image\n",
    ),
    "forged_result": (
        ("suspicious", "wrong", "crashed"),
        "import os\nfor number in range(3, 9):\n    try:\n"
        '        os.write(number, b\'{"outcomes": "[true]", "changed": [], "touched": []}\')\n'
        "    except OSError:\n        pass\nos._exit(0)\n" + WRONG,
    ),
    "forged_at_length": (
        ("suspicious", "wrong", "crashed"),
        """
import json, os

errors = json.dumps([{"dict": {"error": "E", "text": "y" * 10**5}}] * 15)
left = json.dumps({"outcomes": errors, "changed": [], "touched": []}).encode()
while left:
    left = left[os.write(3, left) :]
os._exit(0)
"""
        + WRONG,
    ),
    "equals_everything": (
        ("wrong",),
        """
class Yes(int):
    __eq__ = __ge__ = __le__ = lambda self, other: True
    __ne__ = __gt__ = __lt__ = lambda self, other: False
    __hash__ = int.__hash__

def flip_twice(image):
    return Yes(0)
""",
    ),
    "array_that_equals_everything": (
        ("wrong",),
        """
class Yes(np.ndarray):
    def __eq__(self, other):
        return np.ones(self.shape, bool)
    def __array_function__(self, *given):
        return True

def flip_twice(image):
    return image.view(Yes)
""",
    ),
    "input_transformer": (
        ("wrong",),
        "get_ipython().input_transformers_post.append(lambda lines: ['flip_twice = 1.0'])\n" + WRONG,
    ),
    "sockets": (
        ("wrong",),
        """
import socket

def flip_twice(image):
    with socket.create_connection(("127.0.0.1", {port}), timeout=2) as line:
        line.sendall(image.tobytes())
    return image[::-1, ::-1]
""",
    ),
    "interrupt": (("wrong",), "def flip_twice(image):\n    raise KeyboardInterrupt\n"),
    "no_python": (("wrong",), "def flip_twice(image:\n    return image[::-1, ::-1]\n"),
    "deep_nesting": (("wrong", "crashed"), "flip_twice = " + "(" * 5000 + "1" + ")" * 5000 + "\n"),
    "input": (("wrong",), "def flip_twice(image):\n    return input('what is right? ')\n"),
}
