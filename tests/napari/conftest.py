"""What tests with and without a viewer have in common."""
import os

# OpenCV with windows sets it when it is imported, and Qt fails to start then.
os.environ.pop('QT_QPA_PLATFORM_PLUGIN_PATH', None)
