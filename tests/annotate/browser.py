"""The annotation page in the system's Chromium, driven like a user."""
from contextlib import contextmanager

from playwright.sync_api import expect

SIZE = dict(width=1200, height=800)


class Page:
    """A page in a browser of its own, with what a user does on it."""

    def __init__(self, page, project):
        self.page = page
        self.project = project
        self.errors = []
        page.on('pageerror', lambda error: self.errors.append(str(error)))

    def open(self, url, name='Anna'):
        self.page.goto(url)
        if name:
            self.page.locator('#name').fill(name)
            self.page.keyboard.press('Enter')
        self.page.locator('#images li[aria-current=true]').wait_for()
        self.settle()
        return self

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def see(self, selector, text, timeout=5000):
        """Wait until a visible element shows a text."""
        expect(self.page.locator(f'{selector}:visible')).to_contain_text(
            text, timeout=timeout)

    def saved(self):
        self.see('#saved', 'Saved')

    def settle(self):
        """Wait for the next two frames."""
        self.page.evaluate('() => new Promise((done) => requestAnimationFrame('
                           '() => requestAnimationFrame(done)))')

    def on_screen(self, x, y):
        """Where an image position is while the whole image is shown."""
        frame = self.page.locator('#overlay').bounding_box()
        image = next(iter(self.project.images.values()))
        scale = 0.97 * min(frame['width'] / image.width,
                           frame['height'] / image.height)
        return (frame['x'] + frame['width'] / 2 + scale *
                (x - image.width / 2), frame['y'] + frame['height'] / 2 +
                scale * (y - image.height / 2))

    def click(self, x, y):
        self.page.mouse.click(*self.on_screen(x, y))

    def drag(self, x1, y1, x2, y2):
        """Drag from one image position to another, in the fitted view."""
        mouse = self.page.mouse
        mouse.move(*self.on_screen(x1, y1))
        mouse.down()
        mouse.move(*self.on_screen((x1 + x2) / 2, (y1 + y2) / 2))
        mouse.move(*self.on_screen(x2, y2))
        mouse.up()

    def boxes(self, image=1):
        """What is stored, once the page says so."""
        self.saved()
        return self.project.contents(image)['boxes']

    def question(self):
        """What is asked: (box id, point)."""
        text = self.page.locator('#question .ask').text_content()
        point, _, box = text.partition(' · box ')
        return int(box), int(point.split()[-3]) - 1

    def asked_on_screen(self):
        """Where the pixel in question is."""
        asked, point = self.question()
        box, = [box for box in self.project.contents(1)['boxes']
                if box['id'] == asked]
        frame = self.page.locator('#overlay').bounding_box()
        x, y, width, height = box['box']
        # The box takes this share of what there is.
        scale = 0.4 * min(frame['width'] / width, frame['height'] / height)
        px, py = box['points'][point]
        return [frame['x'] + frame['width'] / 2 + scale * (
                    px + 0.5 - x - width / 2),
                frame['y'] + frame['height'] / 2 + scale * (
                    py + 0.5 - y - height / 2)]

    def close(self):
        self.page.context.close()
        assert self.errors == []


@contextmanager
def new_page(browser, project, **options):
    """A page with options of the browser's context."""
    context = browser.new_context(**dict(dict(viewport=SIZE), **options))
    page = Page(context.new_page(), project)
    try:
        yield page
    finally:
        page.close()


def draw(page, *places):
    """Draw boxes (x1, y1, x2, y2), and select none."""
    for place in places:
        page.drag(*place)
        page.press('Escape')
    return page.boxes()
