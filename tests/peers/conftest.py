"""These tests run the peers themselves; what is not installed is not collected."""

import importlib.util

NEEDS = {
    "test_benchmarks_peers.py": ("torch", "keras", "tensorflow", "transformers", "timm"),
    "test_forms_timm.py": ("torch", "timm"),
    "test_forms_tensorflow.py": ("tensorflow", "keras"),
    "test_forms_torch.py": ("torch",),
    "test_forms_transformers.py": ("torch", "transformers"),
    "test_interop_keras.py": ("keras", "tensorflow"),
    "test_interop_keras_callbacks.py": ("keras", "tensorflow"),
    "test_interop_timm.py": ("torch", "timm"),
    "test_interop_torch.py": ("torch",),
    "test_interop_torch_nested.py": ("torch",),
    "test_interop_transformers.py": ("torch", "transformers"),
    "test_plateau_keras.py": ("keras", "tensorflow"),
    "test_plateau_torch.py": ("torch",),
}

collect_ignore = [
    name
    for name, packages in NEEDS.items()
    if not all(importlib.util.find_spec(package) for package in packages)
]
